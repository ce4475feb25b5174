package dev.stator.routing;

import java.util.Arrays;

/**
 * Learns a duration as a sum of features with non-negative coefficients, from one measurement after
 * the other.
 */
final class LinearModel {
    /*
     * Weighted least squares with exponential forgetting, kept as sufficient statistics (A, b) and
     * solved again every few measurements by a few sweeps of coordinate descent from the last
     * solution. Against recursive least squares this has three advantages here:
     *
     * - Coefficients stay non-negative, as time cannot shrink with work, so a prediction outside of
     *   what was measured stays plausible.
     * - Directions in which the measurements do not vary (all prompts equally long, say) keep what
     *   was known of them: descent does not move there, and no covariance grows without bound.
     * - The first measurements scale all coefficients together, so that a guess that is ten times
     *   too low is not mended by a constant alone.
     *
     * Measurements count by their relative error: a step of 10 ms says as much as one of a second.
     * Those that are far off count less the farther they are (Huber's weight, with the running mean
     * of the relative error as the scale), so a pause of the machine moves little, while a lasting
     * change is followed.
     */
    private static final double FORGETTING = 0.999;
    private static final int SWEEPS = 4;

    /** So many measurements are all believed, and each is followed by a solution. */
    private static final int FIRST = 32;

    private static final int SOLVE_EVERY = 16;
    private static final double BELIEVED_ERRORS = 3;
    private static final double ERROR_WEIGHT = 0.02;
    private static final double LEAST_ERROR = 0.01;
    private static final double LEAST_MILLIS = 1e-3;

    private final int size;
    private final double[] scales;
    private final double[] scaled;
    private final double[] moments;
    private final double[] products;
    private final double[] features;
    private final double[] coefficients;
    private double meanError = 0.1;
    private long measurements;

    /**
     * @param guess coefficients to begin with, in milliseconds per unit of the feature
     * @param scales usual sizes of the features, which only improve the arithmetic
     */
    LinearModel(double[] guess, double[] scales) {
        this.size = guess.length;
        this.scales = scales.clone();
        this.coefficients = guess.clone();
        this.scaled = new double[size];
        for (int i = 0; i < size; i++) {
            scaled[i] = guess[i] * scales[i];
        }
        this.moments = new double[size * size];
        this.products = new double[size];
        this.features = new double[size];
    }

    /** Milliseconds per unit of a feature. */
    double coefficient(int feature) {
        return coefficients[feature];
    }

    long measurements() {
        return measurements;
    }

    /**
     * @param values of the features, in the order of the guess
     */
    void observe(double[] values, double millis) {
        double measured = Math.max(millis, LEAST_MILLIS);
        double sum = 0;
        for (int i = 0; i < size; i++) {
            features[i] = values[i] / scales[i];
            sum += features[i] * scaled[i];
        }
        double predicted = Math.max(sum, LEAST_MILLIS);
        double weight = believed(measured, predicted) / (predicted * predicted);
        for (int i = 0; i < size; i++) {
            products[i] = FORGETTING * products[i] + weight * features[i] * measured;
            for (int j = 0; j < size; j++) {
                int at = i * size + j;
                moments[at] = FORGETTING * moments[at] + weight * features[i] * features[j];
            }
        }
        measurements++;
        if (measurements <= FIRST || measurements % SOLVE_EVERY == 0) {
            solve();
        }
    }

    private double believed(double measured, double predicted) {
        if (measurements < FIRST) {
            return 1;
        }
        double error = Math.abs(measured - predicted) / predicted;
        double limit = BELIEVED_ERRORS * meanError;
        meanError += ERROR_WEIGHT * (Math.min(error, limit) - meanError);
        meanError = Math.max(meanError, LEAST_ERROR);
        return error <= limit ? 1 : limit / error;
    }

    private void solve() {
        scaleTogether();
        for (int sweep = 0; sweep < SWEEPS; sweep++) {
            // The constant comes last: what a slope explains is not for it to explain.
            for (int i = size - 1; i >= 0; i--) {
                double own = moments[i * size + i];
                if (own > 0) {
                    double rest = products[i] - row(i) + own * scaled[i];
                    scaled[i] = Math.max(0, rest / own);
                }
            }
        }
        Arrays.setAll(coefficients, i -> scaled[i] / scales[i]);
    }

    private void scaleTogether() {
        double expected = 0;
        double fitted = 0;
        for (int i = 0; i < size; i++) {
            expected += scaled[i] * products[i];
            fitted += scaled[i] * row(i);
        }
        if (fitted > 0 && expected > 0) {
            for (int i = 0; i < size; i++) {
                scaled[i] *= expected / fitted;
            }
        }
    }

    private double row(int i) {
        double sum = 0;
        for (int j = 0; j < size; j++) {
            sum += moments[i * size + j] * scaled[j];
        }
        return sum;
    }
}
