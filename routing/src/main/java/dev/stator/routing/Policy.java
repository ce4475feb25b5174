package dev.stator.routing;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How a router chooses workers. */
public enum Policy {
    /** The plan with the fewest predicted milliseconds, harm included. */
    PREDICTED,
    /** Each worker in turn. */
    ROUND_ROBIN,
    RANDOM,
    /** The worker with the fewest requests. */
    LEAST_LOADED,
    /** The less loaded of two random workers. */
    POWER_OF_TWO,
    /** Prompts that begin alike go to the same worker, unless that has too many requests. */
    PREFIX_HASH,
    /** The cost function that NVIDIA Dynamo publishes, with its published defaults: a baseline. */
    DYNAMO;

    /** As users write it: {@code power-of-two}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /**
     * @throws IllegalArgumentException if there is no such policy; the message names those that are
     */
    public static Policy of(String label) {
        return Arrays.stream(values())
                .filter(policy -> policy.label().equals(label))
                .findFirst()
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        "there is no policy '%s'; use one of %s"
                                                .formatted(
                                                        label,
                                                        Arrays.stream(values())
                                                                .map(Policy::label)
                                                                .collect(
                                                                        Collectors.joining(
                                                                                ", ")))));
    }
}
