package dev.stator.routing;

/**
 * Notices when something takes many times longer, or less, than a model says that believes no
 * single measurement much: a disk that hangs is to be left alone at once, not after a hundred
 * requests, and to be used again as soon as it is well.
 */
final class Drift {
    /** What a measurement says of the whole: two or three are enough. */
    private static final double NEW_PART = 0.5;

    /** Less is for the model to learn. */
    private static final double NOTICED = Math.log(4);

    /** One measurement must not take many others to outweigh. */
    private static final double MOST = Math.log(1000);

    private static final double LEAST_MILLIS = 1e-3;

    /** Logarithm of measured ÷ predicted, the latest counting most. */
    private double drift;

    void observe(double measuredMillis, double predictedMillis) {
        double ratio =
                Math.max(measuredMillis, LEAST_MILLIS) / Math.max(predictedMillis, LEAST_MILLIS);
        drift += NEW_PART * (Math.clamp(Math.log(ratio), -MOST, MOST) - drift);
    }

    /** By what the model's predictions are to be multiplied. */
    double factor() {
        return Math.abs(drift) < NOTICED ? 1 : Math.exp(drift);
    }
}
