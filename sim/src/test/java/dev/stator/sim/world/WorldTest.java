package dev.stator.sim.world;

import static dev.stator.sim.world.Asked.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.stator.routing.Mode;
import dev.stator.routing.Policy;
import dev.stator.routing.RouterOptions;
import dev.stator.routing.WorkerRole;
import dev.stator.sim.trace.Recorded;
import dev.stator.sim.trace.TraceFiles;
import dev.stator.sim.trace.TraceRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WorldTest {
    /** Milliseconds of the trip from router to worker. */
    private static final double TRIP = 1;

    private static final Sla SLA = new Sla(1_000, 50);

    private static Recorded mooncake() {
        return TraceFiles.open(
                Path.of(
                        "src/test/resources/dev/stator/sim/trace/mooncake-conversation-excerpt.jsonl"),
                OptionalInt.empty(),
                1_000);
    }

    private static WorkerGroup workers(String name, WorkerRole role, int count, SimpleTime time) {
        return new WorkerGroup(name, role, count, 1, "simple", time, 64, 1_000);
    }

    private static Fleet fleet(int count, SimpleTime time) {
        return Fleet.of(workers("b", WorkerRole.BOTH, count, time));
    }

    private static Outcome run(Fleet fleet, Policy policy, Mode mode, TraceRequest... requests) {
        return new World(
                        fleet,
                        RouterOptions.of(policy, mode),
                        new Asked(List.of(requests)),
                        Asked.BLOCK_TOKENS,
                        0,
                        1,
                        _ -> {})
                .run(SLA);
    }

    private static Outcome run(Fleet fleet, TraceRequest... requests) {
        return run(fleet, Policy.PREDICTED, Mode.AUTO, requests);
    }

    @Test
    void aPromptTakesItsStepsAndTheTripToTheWorker() {
        var outcome = run(fleet(1, SimpleTime.of(100_000)), request(0, 2_500, 3, 1));
        // Steps of 1000, 1000 and 500 tokens, then two answers' steps.
        assertThat(outcome.firstToken().p50()).isCloseTo(TRIP + 3 * 10 + 250, within(1e-3));
        assertThat(outcome.gap().mean()).isCloseTo(10.5, within(1e-3));
        assertThat(outcome.origins()).containsEntry(Origin.COMPUTED, 1.0);
    }

    @Test
    void aPromptThatTheDeviceHoldsTakesOneStep() {
        var outcome =
                run(
                        fleet(1, SimpleTime.of(100_000)),
                        request(0, 1_000, 1, 1),
                        request(5_000, 1_000, 1, 1));
        // All blocks but the last, whose last token must be computed.
        assertThat(outcome.firstToken().mean() * 2)
                .isCloseTo(2 * TRIP + 10 + 100 + 10 + 1, within(1e-3));
        assertThat(outcome.share(Origin.DEVICE)).isCloseTo(990 / 2000.0, within(1e-9));
    }

    @Test
    void aPromptThatTheHostHoldsTakesItsFetchAndOneStep() {
        var time = new SimpleTime(10, 0.1, 0.5, 0.02, 1_200);
        var fleet = fleet(1, time).withTiers(Storage.of(1 << 30), Storage.NONE, Storage.NONE);
        var outcome =
                run(
                        fleet,
                        request(0, 1_000, 1, 1),
                        request(5_000, 1_100, 1, 2),
                        request(10_000, 1_000, 1, 1));
        double first = TRIP + 110;
        double second = TRIP + 2 * 10 + 110;
        // One block of the first prompt was left on the device.
        double fetched = 990 - outcome.share(Origin.DEVICE) * 3_100;
        double third = TRIP + 0.02 * fetched + 10 + 1;
        assertThat(fetched).isBetween(800.0, 990.0);
        assertThat(outcome.firstToken().mean() * 3).isCloseTo(first + second + third, within(1e-3));
    }

    @Test
    void twoWhoNeedTheSameNewTextComputeItOnce() {
        var outcome =
                run(
                        fleet(1, SimpleTime.of(100_000)),
                        request(0, 3_000, 1, 1),
                        request(1, 3_000, 1, 1));
        assertThat(outcome.share(Origin.COMPUTED)).isCloseTo(3_010 / 6_000.0, within(1e-9));
    }

    @Test
    void anAnswerIsReusedByTheNextTurn() {
        var outcome =
                run(
                        fleet(1, SimpleTime.of(100_000)),
                        request(0, 500, 501, 1, 2_000),
                        request(20_000, 1_200, 1, 1, 2_000));
        assertThat(outcome.share(Origin.DEVICE)).isCloseTo(1_000 / 1_700.0, within(1e-9));
    }

    /** Arrivals at random and a fixed service time: M/D/1, whose mean wait is known. */
    @Test
    void aSingleWorkerWaitsAsQueueingTheorySays() {
        double service = 20;
        double load = 0.6;
        var random = new SplittableRandom(5);
        var requests = new ArrayList<TraceRequest>();
        double at = 0;
        for (int i = 0; i < 20_000; i++) {
            at += random.nextExponential() * service / load;
            requests.add(request(at, 100, 1, i + 1));
        }
        // One prompt at a time, so that no two share a step.
        var time = SimpleTime.of(50_000);
        var group = new WorkerGroup("b", WorkerRole.BOTH, 1, 1, "simple", time, 1, 1_000);
        var asked = requests.toArray(TraceRequest[]::new);
        var outcome = run(Fleet.of(group), Policy.ROUND_ROBIN, Mode.AUTO, asked);
        double wait = load / (2 * (1 - load)) * service;
        assertThat(outcome.firstToken().mean()).isCloseTo(TRIP + service + wait, within(wait / 20));
    }

    @Test
    void memoryThatRunsOutPreemptsTheYoungest() {
        var time = SimpleTime.of(1_000);
        var outcome = run(fleet(1, time), request(0, 300, 400, 1), request(1, 300, 400, 2));
        assertThat(outcome.preemptions()).isPositive();
        assertThat(outcome.counted()).isEqualTo(2);
    }

    @Test
    void aRequestThatFitsNowhereIsRefused() {
        var outcome =
                run(fleet(1, SimpleTime.of(1_000)), request(0, 900, 200, 1), request(1, 10, 5, 2));
        assertThat(outcome.refused()).isEqualTo(1);
        assertThat(outcome.counted()).isEqualTo(1);
    }

    @Test
    void aSplitPlanOverlapsComputingAndMoving() {
        var time = new SimpleTime(10, 0.1, 0.5, 0.05, 100_000);
        var fleet =
                Fleet.of(
                        workers("p", WorkerRole.PREFILL, 1, time),
                        workers("d", WorkerRole.DECODE, 1, time));
        var outcome = run(fleet, Policy.PREDICTED, Mode.DISAGGREGATED, request(0, 2_500, 3, 1));
        // The last part moves after it was computed; what came before moved meanwhile.
        double moved = 0.05 * 499;
        assertThat(outcome.firstToken().p50())
                .isCloseTo(TRIP + 3 * 10 + 250 + moved + 10 + 0.1, within(1e-3));
        assertThat(outcome.origins()).containsEntry(Origin.COMPUTED, 1.0);
    }

    @ParameterizedTest
    @EnumSource(Policy.class)
    void everyRequestIsAnsweredOnceUnderEveryPolicy(Policy policy) {
        var outcome = excerpt(policy, 4, 1);
        assertThat(outcome.requests()).isEqualTo(300);
        assertThat(outcome.counted()).isEqualTo(300);
        double sum = outcome.origins().values().stream().mapToDouble(Double::doubleValue).sum();
        assertThat(sum).isCloseTo(1, within(1e-12));
    }

    private static Outcome excerpt(Policy policy, double rate, long seed) {
        var time = new SimpleTime(5, 0.02, 0.2, 0.0005, 200_000);
        var fleet =
                Fleet.of(
                                workers("b", WorkerRole.BOTH, 2, time),
                                workers("p", WorkerRole.PREFILL, 1, time),
                                workers("d", WorkerRole.DECODE, 1, time))
                        .withNodes(2)
                        .withTiers(
                                Storage.of(300L << 20), Storage.of(1L << 30), Storage.of(4L << 30));
        var trace = mooncake();
        return new World(
                        fleet,
                        RouterOptions.of(policy, Mode.AUTO),
                        trace.arrivals(seed, rate, 300),
                        trace.blockTokens(),
                        0,
                        seed,
                        _ -> {})
                .run(SLA);
    }

    @ParameterizedTest
    @EnumSource(names = {"PREDICTED", "RANDOM", "DYNAMO"})
    void theSameSeedGivesTheSameOutcome(Policy policy) {
        assertThat(excerpt(policy, 4, 7)).isEqualTo(excerpt(policy, 4, 7));
        assertThat(excerpt(policy, 4, 7)).isNotEqualTo(excerpt(policy, 4, 8));
    }

    @Test
    void whoDiesLosesNoRequest() {
        var fleet =
                fleet(2, SimpleTime.of(100_000))
                        .withIncidents(
                                List.of(
                                        new Incident.Stall(
                                                "b1",
                                                Duration.ofMillis(50),
                                                Duration.ofMillis(500)),
                                        new Incident.Death("b0", Duration.ofMillis(500)),
                                        new Incident.Return("b0", Duration.ofSeconds(5))));
        var requests = new ArrayList<TraceRequest>();
        for (int i = 0; i < 100; i++) {
            requests.add(request(i * 70, 1_000, 40, i + 1));
        }
        var outcome =
                run(fleet, Policy.PREDICTED, Mode.AUTO, requests.toArray(TraceRequest[]::new));
        assertThat(outcome.counted()).isEqualTo(100);
        assertThat(outcome.restarts()).isPositive();
    }

    @Test
    void aDeadPrefillWorkerIsReplacedByTheDecodeWorkerItself() {
        var time = SimpleTime.of(100_000);
        var fleet =
                Fleet.of(
                                workers("p", WorkerRole.PREFILL, 1, time),
                                workers("d", WorkerRole.DECODE, 1, time))
                        .withIncidents(List.of(new Incident.Death("p0", Duration.ofMillis(200))));
        var outcome = run(fleet, Policy.PREDICTED, Mode.DISAGGREGATED, request(0, 5_000, 3, 1));
        assertThat(outcome.counted()).isEqualTo(1);
        assertThat(outcome.share(Origin.PEER)).isPositive();
        assertThat(outcome.share(Origin.COMPUTED)).isPositive();
    }

    @Test
    void incidentsNeedAWorkerThatThereIs() {
        var fleet =
                fleet(1, SimpleTime.of(1_000))
                        .withIncidents(List.of(new Incident.Death("x", Duration.ZERO)));
        assertThatThrownBy(() -> run(fleet, request(0, 1, 1, 1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("there is no worker 'x'; there are b0");
    }

    @Test
    void aSlowWorkerGetsLessUnderPredictionThanUnderTheFormulaOfDynamo() {
        assertThat(shareOfSlow(Policy.PREDICTED)).isLessThan(shareOfSlow(Policy.DYNAMO) * 0.9);
    }

    /** How much of all prompt tokens the slow one of four workers computes. */
    private static double shareOfSlow(Policy policy) {
        var fleet = fleet(4, SimpleTime.of(100_000)).withSlowness(Map.of("b2", 3.0));
        var random = new SplittableRandom(3);
        var requests = new ArrayList<TraceRequest>();
        double at = 0;
        for (int i = 0; i < 2_000; i++) {
            at += random.nextExponential() * 60;
            requests.add(request(at, 1_000, 20, i + 1));
        }
        var world =
                new World(
                        fleet,
                        RouterOptions.of(policy, Mode.AUTO),
                        new Asked(requests),
                        Asked.BLOCK_TOKENS,
                        0,
                        1,
                        _ -> {});
        world.run(SLA);
        double all = 0;
        for (int i = 0; i < 4; i++) {
            all += world.worker("b" + i).orElseThrow().computedTokens();
        }
        return world.worker("b2").orElseThrow().computedTokens() / all;
    }
}
