package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random fleets, requests and reports: what must hold of every decision. */
final class RouterPropertyTest {
    private final TreeSet<String> workers = new TreeSet<>();
    private final Map<Place, Map<Long, Integer>> held = new HashMap<>();
    private final List<Decision> flying = new ArrayList<>();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14})
    void plansAreSound(long seed) {
        var random = new Random(seed);
        var policy = Policy.values()[(int) (seed % Policy.values().length)];
        var mode = Mode.values()[random.nextInt(3)];
        var scene =
                new Scene(
                        RouterOptions.of(policy, mode)
                                .withPeerTiers(EnumSet.of(Tier.HOST, Tier.DEVICE))
                                .withRouters(1 + random.nextInt(3)));
        for (int i = 0; i < 3000; i++) {
            switch (random.nextInt(10)) {
                case 0 -> join(scene, random);
                case 1 -> leave(scene, random);
                case 2, 3 -> report(scene, random);
                case 4, 5 -> store(scene, random);
                default -> route(scene, random);
            }
            scene.advance(random.nextInt(50));
        }
    }

    private void join(Scene scene, Random random) {
        var id = "w" + random.nextInt(12);
        scene.worker(id, "n" + random.nextInt(3), WorkerRole.values()[random.nextInt(3)]);
        workers.add(id);
    }

    private void leave(Scene scene, Random random) {
        if (workers.size() > 2) {
            var id = any(random);
            scene.router.leave(id);
            workers.remove(id);
        }
    }

    private void report(Scene scene, Random random) {
        if (!workers.isEmpty()) {
            int running = random.nextInt(9);
            int waiting = random.nextInt(3);
            scene.router.report(
                    any(random),
                    new WorkerLoad(
                            running,
                            1000L * running,
                            waiting,
                            500L * waiting,
                            500_000.0 * waiting,
                            random.nextInt(Scene.KV_TOKENS),
                            random.nextInt(1000)));
        }
    }

    private void store(Scene scene, Random random) {
        var tier = Tier.values()[random.nextInt(4)];
        var owner = tier == Tier.DEVICE ? "w" + random.nextInt(12) : "n" + random.nextInt(3);
        long conversation = random.nextInt(5);
        int blocks = 1 + random.nextInt(30);
        var place = new Place(tier, owner);
        if (random.nextInt(4) == 0) {
            scene.event(place, BlockEvents.Change.CLEARED, new long[0]);
            held.remove(place);
        } else {
            scene.holds(tier, owner, conversation, blocks);
            held.computeIfAbsent(place, _ -> new HashMap<>())
                    .merge(conversation, blocks, Math::max);
        }
    }

    private void route(Scene scene, Random random) {
        long conversation = random.nextInt(5);
        var request = scene.prompt(conversation, random.nextInt(30));
        var decided = scene.router.decide(request, random.nextInt(5) == 0);
        decided.ifPresent(
                decision -> {
                    assertThat(decision.candidates()).contains(decision.plan());
                    decision.candidates().forEach(plan -> check(plan, conversation, request));
                    scene.router.dispatched(decision);
                    flying.add(decision);
                });
        if (!flying.isEmpty() && random.nextBoolean()) {
            var landed = flying.remove(random.nextInt(flying.size())).request().id();
            scene.router.firstToken(
                    landed, new Actual(random.nextInt(100), 0, random.nextInt(500), 0));
            scene.router.finished(landed);
        }
    }

    private void check(Plan plan, long conversation, RouteRequest request) {
        assertThat(workers).contains(plan.prefillWorker(), plan.decodeWorker());
        var predicted = plan.prediction();
        assertThat(predicted.queueMillis()).isNotNegative().isFinite();
        assertThat(predicted.fetchMillis()).isNotNegative().isFinite();
        assertThat(predicted.prefillMillis()).isPositive().isFinite();
        assertThat(predicted.handoffMillis()).isNotNegative().isFinite();
        assertThat(predicted.harmMillis()).isNotNegative().isFinite();
        check(plan.supply(), conversation, request);
        if (plan instanceof Plan.Split split) {
            assertThat(split.prefillWorker()).isNotEqualTo(split.decodeWorker());
            check(split.decodeSupply(), conversation, request);
        }
    }

    private void check(Supply supply, long conversation, RouteRequest request) {
        int blocks = supply.heldBlocks();
        for (var source : supply.sources()) {
            assertThat(source.fromBlock()).isEqualTo(blocks);
            assertThat(source.toBlock()).isGreaterThan(blocks);
            if (source.place().tier() != Tier.DEVICE) {
                // Devices hold what is expected of them, too.
                assertThat(
                                held.getOrDefault(source.place(), Map.of())
                                        .getOrDefault(conversation, 0))
                        .isGreaterThanOrEqualTo(source.toBlock());
            }
            blocks = source.toBlock();
        }
        assertThat(blocks).isEqualTo(supply.blocks()).isLessThanOrEqualTo(request.keys().length);
    }

    private String any(Random random) {
        return List.copyOf(workers).get(random.nextInt(workers.size()));
    }
}
