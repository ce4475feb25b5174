package dev.stator.routing;

import java.util.List;

/**
 * A request, the plan chosen for it, and what it was chosen among.
 *
 * @param number of this decision at its router, rising; {@link WorkerLoad#seen()} refers to it
 * @param nanos when it was made, by {@link Ticker}
 * @param candidates the cheapest plans that were looked at, cheapest first; a policy that does not
 *     predict looks at the chosen one only
 */
public record Decision(
        long number, long nanos, RouteRequest request, Plan plan, List<Plan> candidates) {
    public Decision {
        candidates = List.copyOf(candidates);
    }
}
