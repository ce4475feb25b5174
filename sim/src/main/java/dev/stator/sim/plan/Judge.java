package dev.stator.sim.plan;

/** Says what a fleet does under a load: by formulas, or by running it on a virtual clock. */
@FunctionalInterface
public interface Judge {
    Forecast judge(Fleet fleet, Goal goal);
}
