package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.stator.routing.index.Tier;
import dev.stator.routing.queue.Estimate;
import org.junit.jupiter.api.Test;

/** What requests are charged, and how soon they can have a first token, before they are decided. */
class EstimateTest {
    private static final double ANSWER_MILLIS = 100 * 10 / 8.0;

    private final Scene scene = Scene.of(Mode.AUTO).worker("a", WorkerRole.DECODE);

    @Test
    void thePromptCountsAndAShareOfTheStepsOfAFullWorker() {
        var estimate = scene.router.estimate(scene.prompt(1, 40));

        assertThat(estimate.firstTokenMillis()).isCloseTo(400, within(20.0));
        assertThat(estimate.workMillis()).isCloseTo(400 + ANSWER_MILLIS, within(30.0));
    }

    @Test
    void whatIsCachedCountsForFetchingOnly() {
        scene.holds(Tier.HOST, "node-of-a", 1, 40);

        var estimate = scene.router.estimate(scene.prompt(1, 40));

        assertThat(estimate.firstTokenMillis()).isCloseTo(8, within(5.0));
        assertThat(estimate.workMillis()).isCloseTo(ANSWER_MILLIS, within(20.0));
    }

    @Test
    void theBestWorkerCountsEvenIfItIsBusy() {
        scene.worker("b", WorkerRole.DECODE).holds(Tier.DEVICE, "b", 1, 40).running("b", 8);

        var estimate = scene.router.estimate(scene.prompt(1, 40));

        assertThat(estimate.firstTokenMillis()).isLessThan(20);
    }

    @Test
    void withoutWorkersWorkIsTokens() {
        scene.router.leave("a");

        assertThat(scene.router.estimate(scene.prompt(1, 40))).isEqualTo(new Estimate(4101, 0));
    }
}
