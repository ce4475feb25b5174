package dev.stator.sim;

import dev.stator.routing.Policy;
import dev.stator.sim.world.World;

/**
 * The rate at which a fleet is saturated. It is measured: the beginning of the trace arrives all at
 * once, round-robin keeps every worker as full as its memory allows, and what ends per second while
 * requests wait is the rate. So it is the same for all policies that are compared, and one that
 * reuses more than round-robin can go beyond it.
 */
final class Saturation {
    private static final long REQUESTS_PER_WORKER = 100;
    private static final long LEAST_REQUESTS = 1_000;

    /** Requests per second; far more than any fleet can take. */
    private static final double AT_ONCE = 1e9;

    private Saturation() {}

    /** Requests per second. */
    static double of(Experiment experiment) {
        int workers = experiment.fleet().workers();
        long requests = Math.max(LEAST_REQUESTS, REQUESTS_PER_WORKER * workers);
        var trace = experiment.trace();
        return new World(
                        experiment.fleet(),
                        experiment.options().withPolicy(Policy.ROUND_ROBIN),
                        trace.arrivals(1, AT_ONCE, Math.min(requests, experiment.requests())),
                        trace.blockTokens(),
                        0,
                        1,
                        _ -> {})
                .run(experiment.sla())
                .endsPerSecond();
    }
}
