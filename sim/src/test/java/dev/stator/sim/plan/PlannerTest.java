package dev.stator.sim.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.stator.sim.plan.Planner.Candidate;
import dev.stator.sim.time.Catalog;
import dev.stator.sim.time.SetupException;
import dev.stator.sim.time.Workload;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PlannerTest {
    private static final Catalog CATALOG = Catalog.builtIn();
    private static final Estimate ESTIMATE = new Estimate();
    private static final Planner PLANNER = new Planner(ESTIMATE);

    private static Goal goal(double rate, double ttft, double itl) {
        return goal("llama-3.3-70b", "fp8", new Workload(3000, 150, 0), rate, ttft, itl);
    }

    private static Goal goal(
            String model, String precision, Workload load, double rate, double ttft, double itl) {
        return new Goal(
                CATALOG.model(model),
                CATALOG.gpu("h100-sxm"),
                CATALOG.precision(precision),
                load,
                rate,
                ttft,
                itl,
                Percentile.P90,
                64);
    }

    @ParameterizedTest
    @CsvSource({"0.5, 500, 30", "2, 500, 20", "10, 500, 30", "10, 800, 60", "40, 500, 20"})
    void whatIsFoundKeepsTheLimitsAndOneWorkerLessDoesNot(double rate, double ttft, double itl) {
        var goal = goal(rate, ttft, itl);
        var result = PLANNER.search(goal);

        for (var found :
                new Candidate[] {result.split().orElseThrow(), result.aggregated().orElseThrow()}) {
            assertThat(ESTIMATE.judge(found.fleet(), goal).meets(goal)).isTrue();
            switch (found.fleet()) {
                case Fleet.Aggregated(var worker, int workers, int tokens) -> {
                    if (workers > 1) {
                        assertFails(new Fleet.Aggregated(worker, workers - 1, tokens), goal);
                    }
                }
                case Fleet.Split(var prefill, int prefills, var decode, int decodes) -> {
                    if (prefills > 1) {
                        assertFails(new Fleet.Split(prefill, prefills - 1, decode, decodes), goal);
                    }
                }
            }
        }
    }

    private static void assertFails(Fleet fleet, Goal goal) {
        assertThat(ESTIMATE.judge(fleet, goal).meets(goal)).as(fleet.describe()).isFalse();
    }

    @Test
    void moreLoadNeedsMoreGpus() {
        int before = 0;
        for (double rate : new double[] {1, 5, 20, 80}) {
            int gpus = gpus(goal(rate, 500, 30));
            assertThat(gpus).isGreaterThan(before);
            before = gpus;
        }
    }

    @Test
    void tighterLimitsNeedNoFewerGpus() {
        assertThat(gpus(goal(10, 300, 30))).isGreaterThanOrEqualTo(gpus(goal(10, 500, 30)));
        assertThat(gpus(goal(10, 500, 20))).isGreaterThanOrEqualTo(gpus(goal(10, 500, 60)));
    }

    @Test
    void promptsThatAreThereAlreadySaveGpus() {
        var cold = goal("llama-3.3-70b", "fp8", new Workload(8000, 150, 0), 10, 1000, 30);
        var warm = goal("llama-3.3-70b", "fp8", new Workload(8000, 150, 0.8), 10, 1000, 30);

        assertThat(gpus(warm)).isLessThan(gpus(cold) / 2);
    }

    private static int gpus(Goal goal) {
        return PLANNER.search(goal).cheapest().orElseThrow().fleet().gpus();
    }

    @Test
    void longPromptsAmongShortGapsAreWorthSplitting() {
        var result = PLANNER.search(goal(40, 500, 20));

        assertThat(result.cheapest()).isEqualTo(result.split());
        assertThat(result.aggregated().orElseThrow().fleet().gpus())
                .isGreaterThan(result.split().orElseThrow().fleet().gpus());
    }

    @Test
    void oneWorkerIsEnoughForLittleLoad() {
        var result = PLANNER.search(goal(0.1, 1000, 60));

        assertThat(result.cheapest()).isEqualTo(result.aggregated());
        assertThat(result.cheapest().orElseThrow().fleet())
                .isInstanceOfSatisfying(
                        Fleet.Aggregated.class, fleet -> assertThat(fleet.workers()).isOne());
    }

    @Test
    void theLargestRateIsWhereTheLimitsEnd() {
        var goal = goal(10, 500, 30);
        var fleet = PLANNER.search(goal).cheapest().orElseThrow().fleet();
        double rate = PLANNER.largestRate(fleet, goal);

        assertThat(rate).isGreaterThanOrEqualTo(10);
        assertThat(ESTIMATE.judge(fleet, goal.withRate(rate * 0.999)).meets(goal)).isTrue();
        assertThat(ESTIMATE.judge(fleet, goal.withRate(rate * 1.01)).meets(goal)).isFalse();
    }

    @Test
    void manyLongAnswersRunOutOfMemoryFirst() {
        var load = new Workload(30_000, 4000, 0.9);
        var goal = goal("llama-3.3-70b", "fp8", load, 4, 5000, 200);
        var tight = CATALOG.gpu("h100-sxm");
        var shape = new dev.stator.sim.time.WorkerShape(goal.model(), tight, 2, goal.precision());
        var forecast = ESTIMATE.judge(new Fleet.Aggregated(shape, 4, 8192), goal);

        assertThat(forecast.limit()).isEqualTo(Forecast.Limit.KV_ROOM);
        assertThat(forecast.meets(goal)).isFalse();
    }

    @Test
    void aModelThatFitsNowhereIsRefused() {
        var load = new Workload(100, 10, 0);

        assertThatExceptionOfType(SetupException.class)
                .isThrownBy(() -> PLANNER.search(goal("deepseek-v3", "fp16", load, 1, 1000, 100)))
                .withMessageContaining("deepseek-v3 in fp16")
                .withMessageContaining("fits no worker of h100-sxm")
                .withMessageContaining("take a GPU with more memory or a smaller precision");
    }

    @Test
    void figuresThatMakeNoSenseAreRefused() {
        assertThatExceptionOfType(SetupException.class)
                .isThrownBy(() -> goal(0, 500, 30))
                .withMessage("the rate must be above 0, not 0.0");
        assertThatExceptionOfType(SetupException.class)
                .isThrownBy(() -> goal(1, 500, Double.NaN))
                .withMessageContaining("time between tokens");
    }
}
