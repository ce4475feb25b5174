package dev.stator.routing;

/**
 * Measured speeds, each an exponentially weighted mean. Thread-safe; a lost update is harmless.
 *
 * <p>Before anything was measured, the guesses of a small model on a few cores hold: only their
 * ratios matter, and they are soon replaced.
 */
public final class Rates {
    private static final double WEIGHT = 0.2;

    /** Fewer tokens measure the overhead of a call instead of a speed. */
    private static final int MIN_TOKENS = 16;

    private volatile double prefillMillisPerToken = 1;
    private volatile double importMillisPerToken = 0.005;
    private volatile double decodeStepMillis = 10;

    /** A step that computed prompt tokens only. */
    public void prefilled(int tokens, double millis) {
        if (tokens >= MIN_TOKENS) {
            prefillMillisPerToken = mix(prefillMillisPerToken, millis / tokens);
        }
    }

    public void imported(int tokens, double millis) {
        if (tokens >= MIN_TOKENS) {
            importMillisPerToken = mix(importMillisPerToken, millis / tokens);
        }
    }

    /** A step that generated tokens only. */
    public void decoded(double millis) {
        decodeStepMillis = mix(decodeStepMillis, millis);
    }

    public double prefillMillisPerToken() {
        return prefillMillisPerToken;
    }

    public double importMillisPerToken() {
        return importMillisPerToken;
    }

    public double decodeStepMillis() {
        return decodeStepMillis;
    }

    private static double mix(double old, double sample) {
        return old + WEIGHT * (sample - old);
    }
}
