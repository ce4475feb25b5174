package dev.stator.sim;

import dev.stator.routing.Policy;
import dev.stator.routing.RouterOptions;
import dev.stator.sim.trace.Trace;
import dev.stator.sim.world.Fleet;
import dev.stator.sim.world.Sla;
import java.util.List;

/**
 * Policies to compare on one fleet and one trace.
 *
 * @param description of the fleet, for people
 * @param options the router's, whose policy is replaced
 * @param policies in the order in which they are shown
 * @param loads at which they are compared
 * @param seeds runs of each policy at each load; run {@code i} of every policy gets the same
 *     requests
 * @param requests of each run
 * @param warmUp part of them that does not count
 */
public record Experiment(
        Trace trace,
        Fleet fleet,
        String description,
        RouterOptions options,
        List<Policy> policies,
        List<Load> loads,
        int seeds,
        long requests,
        double warmUp,
        Sla sla) {
    /** What is done unless something else is asked for: caches begin empty. */
    public static final double WARM_UP = 0.1;

    public Experiment {
        policies = List.copyOf(policies);
        loads = List.copyOf(loads);
    }

    /** How fast requests arrive. */
    public sealed interface Load {
        /** As people call it. */
        String label();

        /**
         * @param saturation the {@linkplain Saturation rate} that fills the fleet
         */
        double requestsPerSecond(double saturation, Trace trace);

        /** Part of the saturation rate. */
        record Share(double share) implements Load {
            @Override
            public String label() {
                return Numbers.of(share * 100) + " %";
            }

            @Override
            public double requestsPerSecond(double saturation, Trace trace) {
                return share * saturation;
            }
        }

        /** Requests per second. */
        record Rate(double rate) implements Load {
            @Override
            public String label() {
                return Numbers.of(rate) + "/s";
            }

            @Override
            public double requestsPerSecond(double saturation, Trace trace) {
                return rate;
            }
        }

        /** So many times faster than recorded. */
        record Speed(double factor) implements Load {
            @Override
            public String label() {
                return Numbers.of(factor) + " x";
            }

            @Override
            public double requestsPerSecond(double saturation, Trace trace) {
                return factor * trace.requestsPerSecond();
            }
        }
    }
}
