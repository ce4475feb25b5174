package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.stator.routing.index.Tier;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** One worker or two for a request. */
final class RouterSplitTest {
    private Scene scene(Mode mode) {
        return Scene.of(mode)
                .worker("d0", "node", WorkerRole.DECODE)
                .worker("p0", "node", WorkerRole.PREFILL);
    }

    @Test
    void aLoneLongPromptSkipsTheHop() {
        var scene = scene(Mode.AUTO);

        assertThat(scene.plan(scene.prompt(1, 40))).isInstanceOf(Plan.Aggregated.class);
    }

    @Test
    void aLongPromptDoesNotDisturbRunningAnswers() {
        var scene = scene(Mode.AUTO).running("d0", 7);

        var plan = scene.plan(scene.prompt(1, 90));

        assertThat(plan).isInstanceOf(Plan.Split.class);
        assertThat(plan.prefillWorker()).isEqualTo("p0");
        assertThat(plan.decodeWorker()).isEqualTo("d0");
        assertThat(plan.prediction().handoffMillis()).isPositive();
    }

    @Test
    void aCachedPromptStaysWithTheDecodeWorker() {
        for (var mode : Mode.values()) {
            var scene = scene(mode).running("d0", 7).holds(Tier.DEVICE, "d0", 1, 40);

            assertThat(scene.plan(scene.prompt(1, 40))).isInstanceOf(Plan.Aggregated.class);
        }
    }

    @Test
    void modesAreObeyed() {
        var split = scene(Mode.DISAGGREGATED);
        var together = scene(Mode.AGGREGATED).running("d0", 7);

        assertThat(split.plan(split.prompt(1, 1))).isInstanceOf(Plan.Split.class);
        assertThat(together.plan(together.prompt(1, 90))).isInstanceOf(Plan.Aggregated.class);
    }

    @Test
    void whereRolesDecideNobodyPrefillsForOthersUnlessSomebodyDoesNothingElse() {
        var options =
                RouterOptions.of(Policy.PREDICTED, Mode.AUTO)
                        .withPeerTiers(EnumSet.of(Tier.HOST))
                        .withExpectIn(Tier.HOST)
                        .withHarmWeight(1)
                        .withBindMillis(0);
        var anybody = new Scene(options);
        var byRole = new Scene(options.withSplitsByRole());
        for (var scene : List.of(anybody, byRole)) {
            scene.worker("a", WorkerRole.BOTH).worker("b", WorkerRole.BOTH);
            // What b has, only b can use; but it is slow.
            scene.teach("b", 20);
            scene.teach("a", 1);
            scene.holds(Tier.DEVICE, "b", 1, 89);
        }
        assertThat(anybody.plan(anybody.prompt(1, 90))).isInstanceOf(Plan.Split.class);
        assertThat(byRole.plan(byRole.prompt(1, 90))).isInstanceOf(Plan.Aggregated.class);

        byRole.running("a", 7).worker("p", WorkerRole.PREFILL);
        var plan = byRole.plan(byRole.prompt(2, 90));
        assertThat(plan).isInstanceOf(Plan.Split.class);
        assertThat(plan.prefillWorker()).isEqualTo("p");
    }

    @Test
    void theLessBusyPrefillWorkerIsChosen() {
        var scene =
                scene(Mode.DISAGGREGATED)
                        .worker("p1", "node", WorkerRole.PREFILL)
                        .waiting("p0", 9000);

        assertThat(scene.plan(scene.prompt(1, 40)).prefillWorker()).isEqualTo("p1");
    }

    @Test
    void theLessCrowdedDecodeWorkerIsChosen() {
        var scene =
                scene(Mode.DISAGGREGATED).worker("d1", "node", WorkerRole.DECODE).running("d0", 7);

        assertThat(scene.plan(scene.prompt(1, 40)).decodeWorker()).isEqualTo("d1");
    }

    @Test
    void withoutPrefillWorkersEverythingIsAggregated() {
        var scene = Scene.of(Mode.DISAGGREGATED).worker("d0", WorkerRole.DECODE);

        assertThat(scene.plan(scene.prompt(1, 40))).isInstanceOf(Plan.Aggregated.class);
    }

    @Test
    void blocksAreNotHandedToANodeThatCannotReachThem() {
        var scene =
                Scene.of(Mode.AUTO)
                        .worker("d0", "here", WorkerRole.DECODE)
                        .worker("p0", "there", WorkerRole.PREFILL)
                        .running("d0", 7);

        assertThat(scene.plan(scene.prompt(1, 90))).isInstanceOf(Plan.Aggregated.class);
    }

    @Test
    void pairsOnTheSameNodeAreFoundAmongManyOnOthers() {
        var scene = Scene.of(Mode.DISAGGREGATED);
        for (int i = 0; i < 8; i++) {
            scene.worker("p" + i, "prefill-only", WorkerRole.PREFILL);
            scene.worker("d" + i, "decode-only", WorkerRole.DECODE);
        }
        scene.worker("p8", "both", WorkerRole.PREFILL).worker("d8", "both", WorkerRole.DECODE);
        scene.waiting("p8", 5000).running("d8", 3);

        var plan = scene.plan(scene.prompt(1, 40));

        assertThat(plan.prefillWorker()).isEqualTo("p8");
        assertThat(plan.decodeWorker()).isEqualTo("d8");
    }

    @Test
    void theDecodeWorkerOnboardsWhileThePromptIsComputed() {
        var scene = scene(Mode.DISAGGREGATED);
        double shorter = scene.plan(scene.prompt(1, 20)).prediction().handoffMillis();
        double longer = scene.plan(scene.prompt(1, 80)).prediction().handoffMillis();

        assertThat(longer).isCloseTo(shorter, within(1.0));
    }

    @Test
    void aPrefillWorkerThatWasNotNeededIsFreeAtTheFirstToken() {
        var scene = scene(Mode.DISAGGREGATED);
        var decision = scene.dispatch(scene.prompt(1, 40));
        assertThat(scene.plan(scene.prompt(2, 40)).prediction().queueMillis()).isPositive();

        scene.router.firstToken(decision.request().id(), new Actual(0, 0, 0, 10));

        assertThat(scene.plan(scene.prompt(2, 40)).prediction().queueMillis()).isZero();
    }

    @Test
    void roomThatASplitKeepsIdleCountsForThoseWhoWaitForIt() {
        var quiet = split(Mode.DISAGGREGATED, 0).prediction();
        var crowded = split(Mode.DISAGGREGATED, 9000).prediction();

        // Two workers compute prompts and one prompt waits: half a one behind this one.
        double computing = 0.5 * crowded.prefillMillis();
        assertThat(crowded.harmMillis() - quiet.harmMillis()).isGreaterThan(1.01 * computing);
    }

    private Plan split(Mode mode, int waitingElsewhere) {
        var scene = scene(mode).worker("p1", "node", WorkerRole.PREFILL);
        if (waitingElsewhere > 0) {
            scene.waiting("p1", waitingElsewhere);
        }
        return scene.plan(scene.prompt(1, 90));
    }
}
