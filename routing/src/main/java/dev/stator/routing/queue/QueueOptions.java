package dev.stator.routing.queue;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * How requests wait.
 *
 * @param maxRequests requests that may wait; with 0 a request starts at once or not at all
 * @param maxTokens prompt tokens that may wait, all together; a single request may exceed it
 * @param classes highest priority first; the last takes every priority that is left
 * @param tenantWeights shares of tenants that are not to have the usual 1
 * @param lookahead requests that are looked at for one that can start now, at least 1
 * @param maxPasses how many requests may pass one that was before them in turn and did not start
 * @param passTime for how long after the first of them others may; then it is overdue
 */
public record QueueOptions(
        int maxRequests,
        long maxTokens,
        List<ClassOptions> classes,
        Map<String, Double> tenantWeights,
        int lookahead,
        int maxPasses,
        Duration passTime) {
    static final Duration MAX_PATIENCE = Duration.ofDays(1);

    public QueueOptions {
        require(maxRequests >= 0, "maxRequests must not be negative, but is " + maxRequests);
        require(maxTokens >= 1, "maxTokens must be at least 1, not " + maxTokens);
        require(lookahead >= 1, "lookahead must be at least 1, not " + lookahead);
        require(maxPasses >= 0, "maxPasses must not be negative, but is " + maxPasses);
        require(
                !passTime.isNegative() && passTime.compareTo(MAX_PATIENCE) <= 0,
                "passTime must be between 0 and %s, not %s".formatted(MAX_PATIENCE, passTime));
        classes = List.copyOf(classes);
        require(!classes.isEmpty(), "at least one class is needed");
        for (int i = 1; i < classes.size(); i++) {
            require(
                    classes.get(i).minPriority() < classes.get(i - 1).minPriority(),
                    "classes must be in order of minPriority, highest first: %s follows %s"
                            .formatted(classes.get(i).name(), classes.get(i - 1).name()));
        }
        var names = classes.stream().map(ClassOptions::name).distinct().count();
        require(names == classes.size(), "two classes have the same name");
        tenantWeights = Map.copyOf(tenantWeights);
        tenantWeights.forEach((tenant, weight) -> requireWeight("tenant " + tenant, weight));
    }

    /** Three classes: interactive above priority 0, standard at 0, batch below. */
    public static QueueOptions of(int maxRequests, long maxTokens) {
        return new QueueOptions(
                maxRequests,
                maxTokens,
                List.of(
                        new ClassOptions("interactive", 1, 16, Duration.ofSeconds(5)),
                        new ClassOptions("standard", 0, 4, Duration.ofSeconds(30)),
                        new ClassOptions("batch", -1, 1, Duration.ofMinutes(10))),
                Map.of(),
                16,
                16,
                Duration.ofSeconds(2));
    }

    public QueueOptions withClasses(List<ClassOptions> other) {
        return new QueueOptions(
                maxRequests, maxTokens, other, tenantWeights, lookahead, maxPasses, passTime);
    }

    public QueueOptions withTenantWeights(Map<String, Double> other) {
        return new QueueOptions(
                maxRequests, maxTokens, classes, other, lookahead, maxPasses, passTime);
    }

    public QueueOptions withPassing(int lookahead, int maxPasses, Duration passTime) {
        return new QueueOptions(
                maxRequests, maxTokens, classes, tenantWeights, lookahead, maxPasses, passTime);
    }

    static void requireWeight(String whose, double weight) {
        require(
                weight > 0 && weight < Double.POSITIVE_INFINITY,
                "the weight of %s must be positive and finite, not %s".formatted(whose, weight));
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }
}
