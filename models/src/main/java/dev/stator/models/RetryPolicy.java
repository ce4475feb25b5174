package dev.stator.models;

import java.time.Duration;

/**
 * How patiently a transfer is tried.
 *
 * @param attempts in a row that may fail without bringing the file on by {@link #PROGRESS_BYTES}
 * @param firstDelay before the second attempt; doubles with every further one
 * @param maxDelay the longest wait, also where a server asks for one
 * @param stall how long a connection may bring nothing
 */
record RetryPolicy(int attempts, Duration firstDelay, Duration maxDelay, Duration stall) {
    static final long PROGRESS_BYTES = 1 << 20;

    static final RetryPolicy DEFAULT =
            new RetryPolicy(
                    6, Duration.ofSeconds(1), Duration.ofMinutes(2), Duration.ofSeconds(30));

    /**
     * @param failures in a row so far, at least 1
     */
    Duration delay(int failures) {
        var delay = firstDelay.multipliedBy(1L << Math.min(failures - 1, 20));
        return delay.compareTo(maxDelay) > 0 ? maxDelay : delay;
    }
}
