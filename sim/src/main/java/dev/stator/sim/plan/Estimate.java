package dev.stator.sim.plan;

/** Judges fleets by formulas of queues; takes microseconds, so that a search can ask it often. */
public final class Estimate implements Judge {
    @Override
    public Forecast judge(Fleet fleet, Goal goal) {
        return switch (fleet) {
            case Fleet.Aggregated aggregated -> new AggregatedEstimate(aggregated, goal).forecast();
            case Fleet.Split split -> new SplitEstimate(split, goal).forecast();
        };
    }
}
