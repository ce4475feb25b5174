package dev.stator.sim;

import dev.stator.routing.Policy;
import dev.stator.routing.RouterOptions;
import dev.stator.sim.trace.Trace;
import dev.stator.sim.world.Fleet;
import dev.stator.sim.world.Sla;
import dev.stator.sim.world.World;

/**
 * The rate at which a fleet is saturated. It is measured: all requests of a run arrive at once,
 * round-robin keeps every worker as full as its memory allows, and what ends per second while
 * requests wait is the rate. So it is the same for all policies that are compared, and one that
 * reuses more than round-robin can go beyond it.
 */
public final class Saturation {
    /** Requests per second; far more than any fleet can take. */
    private static final double AT_ONCE = 1e9;

    private Saturation() {}

    static double of(Experiment experiment) {
        return of(
                experiment.trace(),
                experiment.fleet(),
                experiment.options(),
                experiment.requests());
    }

    /**
     * Requests per second.
     *
     * @param options the router's, whose policy is replaced
     * @param requests of the run: of a trace whose requests change on the way, those of its
     *     beginning alone would say little
     */
    public static double of(Trace trace, Fleet fleet, RouterOptions options, long requests) {
        return new World(
                        fleet,
                        options.withPolicy(Policy.ROUND_ROBIN),
                        trace.arrivals(1, AT_ONCE, requests),
                        trace.blockTokens(),
                        0,
                        1,
                        _ -> {})
                .run(new Sla(Double.MAX_VALUE, Double.MAX_VALUE))
                .endsPerSecond();
    }
}
