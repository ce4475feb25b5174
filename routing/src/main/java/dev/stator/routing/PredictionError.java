package dev.stator.routing;

/**
 * How far predictions of one stage were off lately.
 *
 * @param samples first tokens that it is about
 * @param biasMillis mean of predicted - actual
 * @param medianRelative median of |predicted - actual| ÷ actual, of which at least 1 ms is taken
 * @param p95Relative the same at the 95th percentile
 */
public record PredictionError(
        int samples, double biasMillis, double medianRelative, double p95Relative) {}
