package dev.stator.sim.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.sim.time.Catalog;
import dev.stator.sim.time.WorkerShape;
import dev.stator.sim.time.Workload;
import org.junit.jupiter.api.Test;

class RehearsalTest {
    private static final Catalog CATALOG = Catalog.builtIn();
    private final Rehearsal rehearsal = new Rehearsal();

    private static Goal goal(double hit, double rate) {
        return new Goal(
                CATALOG.model("qwen3-8b"),
                CATALOG.gpu("h100-sxm"),
                CATALOG.precision("fp8"),
                new Workload(4_000, 50, hit),
                rate,
                500,
                25,
                Percentile.P90,
                64);
    }

    private static WorkerShape shape(Goal goal) {
        return new WorkerShape(goal.model(), goal.gpu(), 1, goal.precision());
    }

    private static Fleet aggregated(Goal goal) {
        return new Fleet.Aggregated(shape(goal), 2, 1_024);
    }

    private static Fleet split(Goal goal) {
        return new Fleet.Split(shape(goal), 2, shape(goal), 1);
    }

    @Test
    void aFleetKeepsTheLimitsAtTheLargestRateAndNotAboveIt() {
        var goal = goal(0, 1);
        for (var fleet : new Fleet[] {aggregated(goal), split(goal)}) {
            double largest = rehearsal.largestRate(fleet, goal, 3);
            assertThat(rehearsal.keeps(fleet, goal.withRate(largest))).isTrue();
            assertThat(rehearsal.keeps(fleet, goal.withRate(largest * 1.1))).isFalse();
            var outcome = rehearsal.run(fleet, goal.withRate(largest * 1.1));
            assertThat(Rehearsal.keeps(outcome, goal)).isFalse();
        }
    }

    @Test
    void theGuessDoesNotMatter() {
        var goal = goal(0, 1);
        var fleet = aggregated(goal);
        double largest = rehearsal.largestRate(fleet, goal, 1);
        assertThat(rehearsal.largestRate(fleet, goal, 100))
                .isBetween(largest / 1.05, largest * 1.05);
    }

    @Test
    void formulasAndSimulationAgreeRoughly() {
        var goal = goal(0, 1);
        var planner = new Planner(new Estimate());
        for (var fleet : new Fleet[] {aggregated(goal), split(goal)}) {
            double formulas = planner.largestRate(fleet, goal);
            assertThat(rehearsal.largestRate(fleet, goal, formulas))
                    .as(fleet.describe())
                    .isBetween(formulas / 1.3, formulas * 1.3);
        }
    }

    @Test
    void whatTheHostTierHoldsIsNotComputed() {
        var half = rehearsal.run(aggregated(goal(0.5, 4)), goal(0.5, 4));
        assertThat(half.share(dev.stator.sim.world.Origin.HOST)).isBetween(0.48, 0.5);
        var goal = goal(0.9, 1);
        assertThat(rehearsal.largestRate(aggregated(goal), goal, 3))
                .isGreaterThan(2 * rehearsal.largestRate(aggregated(goal(0, 1)), goal(0, 1), 3));
    }

    @Test
    void noRateIsLowEnoughForALimitThatNothingKeeps() {
        var goal = goal(0, 1);
        var hasty =
                new Goal(
                        goal.model(),
                        goal.gpu(),
                        goal.precision(),
                        goal.load(),
                        1,
                        500,
                        0.5,
                        Percentile.P90,
                        64);
        assertThat(rehearsal.largestRate(aggregated(hasty), hasty, 3)).isZero();
    }

    @Test
    void theBestOfSomeFleetsIsAsGoodAsEach() {
        var goal = goal(0, 1);
        var tuning = new Tuning(rehearsal);
        var best =
                tuning.best(Planner.fleets(goal, Planner.Kind.AGGREGATED, 2), goal).orElseThrow();
        for (int stepTokens : new int[] {256, 2_048, 8_192}) {
            var fleet = new Fleet.Aggregated(shape(goal), 2, stepTokens);
            assertThat(best.rate()).isGreaterThan(0.96 * tuning.rate(fleet, goal));
        }
    }
}
