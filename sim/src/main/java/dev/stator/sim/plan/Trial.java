package dev.stator.sim.plan;

import dev.stator.sim.world.Outcome;

/**
 * What the simulator says of a fleet at the rate of a goal.
 *
 * @param largestRate up to which it keeps the limits there, in requests per second; 0 if it was not
 *     sought because the fleet breaks them at the goal's rate
 */
public record Trial(Outcome outcome, double largestRate) {
    Figure ttft() {
        return figure(outcome.firstToken());
    }

    Figure itl() {
        return figure(outcome.requestGap());
    }

    private static Figure figure(dev.stator.sim.world.Spread spread) {
        return new Figure(spread.mean(), spread.p90(), spread.p99());
    }
}
