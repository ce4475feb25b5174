package dev.stator.serving;

import java.time.Duration;

/**
 * A wish to find the beginning of a prompt in the host tier again.
 *
 * @param tokens how many of the prompt's first tokens
 * @param ttl for how long after the prompt has been computed
 */
public record Retention(int tokens, Duration ttl) {}
