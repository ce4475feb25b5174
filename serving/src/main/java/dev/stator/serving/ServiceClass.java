package dev.stator.serving;

import dev.stator.routing.queue.ClassOptions;
import dev.stator.routing.queue.QueueOptions;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;

/** How urgent a request is: the classes of the queue, most urgent first, by OpenAI's names. */
public enum ServiceClass {
    PRIORITY(1, 16, Duration.ofSeconds(5)),
    DEFAULT(0, 4, Duration.ofSeconds(30)),
    FLEX(-1, 1, Duration.ofMinutes(10));

    private final int priority;
    private final double usualWeight;
    private final Duration patience;

    ServiceClass(int priority, double usualWeight, Duration patience) {
        this.priority = priority;
        this.usualWeight = usualWeight;
        this.patience = patience;
    }

    /** As clients and metrics call it. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** See {@link dev.stator.routing.RouteRequest#priority()}. */
    public int priority() {
        return priority;
    }

    /** Its share of the work while others wait, if nobody says otherwise. */
    public double usualWeight() {
        return usualWeight;
    }

    /** A queue of these classes, of which each may fill all of it. */
    public static QueueOptions queue(int maxRequests) {
        return queue(maxRequests, Map.of(), Map.of());
    }

    /**
     * @param maxRequests that may wait, all classes together
     * @param weights of classes that are not to have the usual one
     * @param limits how many of a class may wait, where that is to be bounded by itself
     */
    public static QueueOptions queue(
            int maxRequests, Map<ServiceClass, Double> weights, Map<ServiceClass, Integer> limits) {
        var classes =
                Arrays.stream(values())
                        .map(
                                its ->
                                        new ClassOptions(
                                                its.label(),
                                                its.priority,
                                                weights.getOrDefault(its, its.usualWeight),
                                                its.patience,
                                                limits.getOrDefault(its, maxRequests)))
                        .toList();
        return QueueOptions.of(maxRequests, Long.MAX_VALUE).withClasses(classes);
    }
}
