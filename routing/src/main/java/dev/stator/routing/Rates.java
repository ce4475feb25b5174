package dev.stator.routing;

/**
 * Measured speeds, each an exponentially weighted mean. Thread-safe; a lost update is harmless.
 *
 * <p>Until a speed is measured a guess holds, that of a small model on a few cores; the first
 * measurement replaces it.
 */
public final class Rates {
    private static final double WEIGHT = 0.2;

    /** Fewer tokens measure the overhead of a call instead of a speed. */
    private static final int MIN_TOKENS = 16;

    private volatile double prefillMillisPerToken = Double.NaN;
    private volatile double importMillisPerToken = Double.NaN;
    private volatile double decodeStepMillis = Double.NaN;

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
        return known(prefillMillisPerToken, 1);
    }

    public double importMillisPerToken() {
        return known(importMillisPerToken, 0.005);
    }

    public double decodeStepMillis() {
        return known(decodeStepMillis, 10);
    }

    private static double mix(double old, double sample) {
        return Double.isNaN(old) ? sample : old + WEIGHT * (sample - old);
    }

    private static double known(double measured, double guess) {
        return Double.isNaN(measured) ? guess : measured;
    }
}
