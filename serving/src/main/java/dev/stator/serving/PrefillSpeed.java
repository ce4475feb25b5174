package dev.stator.serving;

/**
 * Measured milliseconds per prompt token, an exponentially weighted mean over all workers.
 * Thread-safe; a lost update is harmless.
 */
final class PrefillSpeed {
    private static final double WEIGHT = 0.2;

    /** Fewer tokens measure the overhead of a call instead of a speed. */
    private static final int MIN_TOKENS = 16;

    /** Until something is measured: a small model on a few cores. */
    private static final double GUESS = 1;

    private volatile double millisPerToken = Double.NaN;

    /** A step that computed prompt tokens only. */
    void prefilled(int tokens, double millis) {
        if (tokens >= MIN_TOKENS) {
            double sample = millis / tokens;
            double old = millisPerToken;
            millisPerToken = Double.isNaN(old) ? sample : old + WEIGHT * (sample - old);
        }
    }

    boolean isMeasured() {
        return !Double.isNaN(millisPerToken);
    }

    double millisPerToken() {
        double measured = millisPerToken;
        return Double.isNaN(measured) ? GUESS : measured;
    }
}
