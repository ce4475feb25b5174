package dev.stator.routing.queue;

import java.time.Duration;

/**
 * One class of requests.
 *
 * @param name for metrics and messages
 * @param minPriority the lowest {@link dev.stator.routing.RouteRequest#priority()} that is in this
 *     class
 * @param weight its share of the work among the classes that have requests waiting
 * @param patience a request without deadline takes its place in its tenant's line as if it were due
 *     this long after its arrival, so requests with deadlines cannot pass it for ever
 * @param maxRequests requests of this class that may wait, besides the bound of the whole queue
 */
public record ClassOptions(
        String name, int minPriority, double weight, Duration patience, int maxRequests) {
    public ClassOptions {
        if (maxRequests < 0) {
            throw new IllegalArgumentException(
                    "maxRequests of class %s must not be negative, but is %d"
                            .formatted(name, maxRequests));
        }
        QueueOptions.requireWeight("class " + name, weight);
        if (patience.isNegative() || patience.compareTo(QueueOptions.MAX_PATIENCE) > 0) {
            throw new IllegalArgumentException(
                    "patience of class %s must be between 0 and %s, not %s"
                            .formatted(name, QueueOptions.MAX_PATIENCE, patience));
        }
    }

    /** A class that only the bound of the whole queue limits. */
    public ClassOptions(String name, int minPriority, double weight, Duration patience) {
        this(name, minPriority, weight, patience, Integer.MAX_VALUE);
    }

    public ClassOptions withMaxRequests(int other) {
        return new ClassOptions(name, minPriority, weight, patience, other);
    }
}
