package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.routing.index.Tier;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class PolicyTest {
    private static Scene scene(Policy policy, int workers) {
        var scene = Scene.of(policy);
        for (int i = 0; i < workers; i++) {
            scene.worker("w" + i, "node", WorkerRole.BOTH);
        }
        return scene;
    }

    private static Map<String, Integer> dispatched(Scene scene, int requests) {
        var counts = new HashMap<String, Integer>();
        for (int i = 0; i < requests; i++) {
            var decision = scene.dispatch(scene.prompt(i, 2));
            counts.merge(decision.plan().decodeWorker(), 1, Integer::sum);
        }
        return counts;
    }

    @ParameterizedTest
    @EnumSource
    void eachIsFoundByItsLabel(Policy policy) {
        assertThat(Policy.of(policy.label())).isEqualTo(policy);
    }

    @Test
    void anUnknownOneIsRefusedWithThoseThatThereAre() {
        assertThatThrownBy(() -> Policy.of("best"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'best'")
                .hasMessageContaining("predicted, round-robin");
    }

    @ParameterizedTest
    @EnumSource
    void eachUsesAllWorkersForUnrelatedPrompts(Policy policy) {
        assertThat(dispatched(scene(policy, 3), 20)).hasSize(3);
    }

    @ParameterizedTest
    @EnumSource
    void eachPassesOverWorkersWithoutRoom(Policy policy) {
        var scene = scene(policy, 3).running("w0", 8).running("w2", 8);

        assertThat(dispatched(scene, 5)).containsOnlyKeys("w1");
    }

    @ParameterizedTest
    @EnumSource
    void eachPredictsThePlanItChooses(Policy policy) {
        var scene = scene(policy, 2).waiting("w0", 1000).waiting("w1", 1000);

        var prediction = scene.plan(scene.prompt(1, 20)).prediction();

        assertThat(prediction.queueMillis()).isPositive();
        assertThat(prediction.prefillMillis()).isPositive();
    }

    @ParameterizedTest
    @EnumSource
    void eachSplitsWhereWorkersHaveRoles(Policy policy) {
        var scene =
                new Scene(RouterOptions.of(policy, Mode.DISAGGREGATED))
                        .worker("p0", "node", WorkerRole.PREFILL)
                        .worker("p1", "node", WorkerRole.PREFILL)
                        .worker("d0", "node", WorkerRole.DECODE);

        var plan = scene.plan(scene.prompt(1, 20));

        assertThat(plan).isInstanceOf(Plan.Split.class);
        assertThat(plan.prefillWorker()).startsWith("p");
        assertThat(plan.decodeWorker()).isEqualTo("d0");
    }

    @ParameterizedTest
    @EnumSource
    void eachAggregatesWhereNobodyCanHandOver(Policy policy) {
        var scene =
                new Scene(RouterOptions.of(policy, Mode.DISAGGREGATED))
                        .worker("p0", "there", WorkerRole.PREFILL)
                        .worker("d0", "here", WorkerRole.DECODE);

        assertThat(scene.plan(scene.prompt(1, 20))).isInstanceOf(Plan.Aggregated.class);
    }

    @Test
    void roundRobinTakesTurns() {
        var scene = scene(Policy.ROUND_ROBIN, 3);

        for (int i = 0; i < 6; i++) {
            assertThat(scene.dispatch(scene.prompt(i, 2)).plan().decodeWorker())
                    .isEqualTo("w" + i % 3);
        }
    }

    @Test
    void leastLoadedCountsRequests() {
        var scene =
                scene(Policy.LEAST_LOADED, 3).running("w0", 4).running("w1", 2).running("w2", 5);

        assertThat(dispatched(scene, 3)).containsEntry("w1", 3).hasSize(1);
    }

    @Test
    void powerOfTwoNeverTakesTheMostLoaded() {
        var scene = scene(Policy.POWER_OF_TWO, 3).running("w1", 7);
        var chosen = new HashSet<String>();
        for (int i = 0; i < 50; i++) {
            chosen.add(scene.plan(scene.prompt(i, 2)).decodeWorker());
        }

        assertThat(chosen).containsExactlyInAnyOrder("w0", "w2");
    }

    @Test
    void prefixHashKeepsPromptsTogetherThatBeginAlike() {
        var scene = scene(Policy.PREFIX_HASH, 5);
        var first = scene.plan(scene.prompt(1, 20)).decodeWorker();

        for (int blocks = 8; blocks < 30; blocks++) {
            assertThat(scene.plan(scene.prompt(1, blocks)).decodeWorker()).isEqualTo(first);
        }
    }

    @Test
    void prefixHashSparesAWorkerThatHasMoreThanItsPart() {
        var scene = scene(Policy.PREFIX_HASH, 5);
        var first = scene.plan(scene.prompt(1, 20)).decodeWorker();
        scene.running(first, 5);

        assertThat(scene.plan(scene.prompt(1, 20)).decodeWorker()).isNotEqualTo(first);
    }

    @Test
    void prefixHashMovesOnlyThePromptsOfAWorkerThatLeaves() {
        var scene = scene(Policy.PREFIX_HASH, 5);
        var before = new HashMap<Integer, String>();
        for (int i = 0; i < 100; i++) {
            before.put(i, scene.plan(scene.prompt(i, 20)).decodeWorker());
        }
        scene.router.leave("w2");

        before.forEach(
                (conversation, worker) -> {
                    if (!worker.equals("w2")) {
                        assertThat(scene.plan(scene.prompt(conversation, 20)).decodeWorker())
                                .isEqualTo(worker);
                    }
                });
    }

    @Test
    void dynamoWeighsBlocksByTier() {
        // Of ten blocks: 0 credit and 10 blocks active afterwards, or a credit of 6, or 0.75 x 7.
        var scene =
                Scene.of(Policy.DYNAMO)
                        .worker("none", WorkerRole.BOTH)
                        .worker("device", WorkerRole.BOTH)
                        .worker("host", WorkerRole.BOTH)
                        .holds(Tier.DEVICE, "device", 1, 6)
                        .holds(Tier.HOST, "node-of-host", 1, 7);

        assertThat(scene.plan(scene.prompt(1, 10)).decodeWorker()).isEqualTo("device");

        scene.holds(Tier.HOST, "node-of-host", 1, 9);

        assertThat(scene.plan(scene.prompt(1, 10)).decodeWorker()).isEqualTo("host");
    }

    @Test
    void dynamoCountsBlocksUntilTheEndAndPromptTokensUntilTheFirstToken() {
        var scene =
                Scene.of(Policy.DYNAMO)
                        .worker("a", WorkerRole.BOTH)
                        .worker("b", WorkerRole.BOTH)
                        .holds(Tier.DEVICE, "a", 1, 10);
        var first = scene.dispatch(scene.prompt(2, 12));
        var busy = first.plan().decodeWorker();
        var idle = busy.equals("a") ? "b" : "a";
        assertThat(scene.plan(scene.prompt(3, 3)).decodeWorker()).isEqualTo(idle);

        scene.router.firstToken(first.request().id(), new Actual(0, 0, 1, 0));
        assertThat(scene.plan(scene.prompt(3, 3)).decodeWorker()).isEqualTo(idle);

        scene.router.finished(first.request().id());
        var chosen = new HashSet<String>();
        for (int i = 0; i < 20; i++) {
            chosen.add(scene.plan(scene.prompt(4, 3)).decodeWorker());
        }
        assertThat(chosen).hasSize(2);
    }

    @Test
    void dynamoCountsSharedBlocksOnce() {
        var scene =
                Scene.of(Policy.DYNAMO).worker("a", WorkerRole.BOTH).worker("b", WorkerRole.BOTH);
        var one = scene.dispatch(scene.prompt(1, 20)).plan().decodeWorker();
        var other = scene.dispatch(scene.prompt(2, 19)).plan().decodeWorker();
        assertThat(other).isNotEqualTo(one);

        // Prompt 1 again: 20 blocks active at one, 39 at the other, and one expects the blocks.
        assertThat(scene.plan(scene.prompt(1, 20)).decodeWorker()).isEqualTo(one);
    }
}
