package dev.stator.sim.time;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

final class SteadyStateTest {
    private static final Catalog CATALOG = Catalog.builtIn();
    private static final Roofline WORKER =
            new Roofline(
                    new WorkerShape(
                            CATALOG.model("llama-3.1-8b"),
                            CATALOG.gpu("h100-sxm"),
                            1,
                            CATALOG.precision("fp16")));

    @Test
    void everyStepGivesEachRequestAToken() {
        var state = SteadyState.of(WORKER, new Workload(1000, 100, 0), 50);

        assertThat(state.requestsPerSecond())
                .isCloseTo(50 / (100 * state.stepMillis() / 1e3), within(1e-9));
    }

    @Test
    void whatIsThereAlreadyNeedNotBeComputed() {
        var cold = SteadyState.of(WORKER, new Workload(8000, 100, 0), 20);
        var warm = SteadyState.of(WORKER, new Workload(8000, 100, 0.9), 20);

        assertThat(warm.requestsPerSecond()).isGreaterThan(3 * cold.requestsPerSecond());
    }

    @Test
    void kvLimitsHowManyRun() {
        var load = new Workload(30_000, 1000, 0);

        assertThat(SteadyState.full(WORKER, load, 256).running())
                .isEqualTo((int) (WORKER.kvTokens() / 31_000))
                .isLessThan(256);
        assertThat(SteadyState.room(WORKER, new Workload(10, 10, 0), 256)).isEqualTo(256);
    }

    @Test
    void atLeastTheLastTokenOfAPromptIsComputed() {
        assertThat(new Workload(10, 1, 0.99).computedTokens()).isEqualTo(1);
        assertThat(new Workload(1, 1, 0.5).computedTokens()).isEqualTo(1);
        assertThat(new Workload(1000, 1, 0.4).computedTokens()).isEqualTo(600);
    }

    @Test
    void loadsThatCannotBeAreRefused() {
        assertThatExceptionOfType(SetupException.class)
                .isThrownBy(() -> new Workload(0, 1, 0))
                .withMessageContaining("at least one token");
        assertThatExceptionOfType(SetupException.class)
                .isThrownBy(() -> new Workload(1, 1, 1))
                .withMessageContaining("below 1");
    }
}
