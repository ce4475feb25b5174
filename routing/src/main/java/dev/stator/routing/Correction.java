package dev.stator.routing;

/**
 * By what factor something takes longer than predicted, learned from measured ÷ predicted.
 *
 * <p>Long durations teach more than short ones: the factor is about the ratio of the sums over the
 * last so many milliseconds of predicted time. A clear rise can be believed sooner than a fall, so
 * that work stays away from what has become slow. What is not measured goes back to 1 with time, so
 * that it is tried again.
 */
final class Correction {
    /** A measurement this far above what was learned is a clear rise. */
    private static final double CLEAR = 1.25;

    /** One measurement is taken for at most this far off. */
    private static final double FURTHEST = 4;

    private static final double LEAST = 0.1;
    private static final double MOST = 100;

    private final double riseMillis;
    private final double fallMillis;
    private final double halfLifeNanos;
    private double factor = 1;
    private long nanos;

    /**
     * @param riseMillis of predicted time after which most of a clear rise is believed
     * @param fallMillis the same for a fall and for what is not clear
     * @param halfLifeMillis after which half of what was learned is forgotten if nothing is
     *     measured
     */
    Correction(double riseMillis, double fallMillis, double halfLifeMillis, long nanos) {
        this.riseMillis = riseMillis;
        this.fallMillis = fallMillis;
        this.halfLifeNanos = halfLifeMillis * 1e6;
        this.nanos = nanos;
    }

    /**
     * @param predicted without this correction
     */
    void observe(double measured, double predicted, long now) {
        double learned = factor(now);
        double ratio = Math.clamp(measured / predicted, learned / FURTHEST, learned * FURTHEST);
        double memory = ratio > CLEAR * learned ? riseMillis : fallMillis;
        double weight = predicted / (predicted + memory);
        factor = Math.clamp(learned + weight * (ratio - learned), LEAST, MOST);
        nanos = now;
    }

    /** Hyperbolic instead of exponential decay: it costs a division, and many are asked for. */
    double factor(long now) {
        return 1 + (factor - 1) * halfLifeNanos / (halfLifeNanos + (now - nanos));
    }
}
