package dev.stator.routing.queue;

/**
 * What a request is predicted to cost, on a typical worker and with the blocks that are cached now.
 *
 * @param workMillis prefill of what is not cached and the expected answer: what its tenant and its
 *     class are charged
 * @param firstTokenMillis from start to first token in the best case
 */
public record Estimate(double workMillis, double firstTokenMillis) {
    public Estimate {
        if (!(workMillis > 0 && workMillis < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "workMillis must be positive and finite, not " + workMillis);
        }
        if (!(firstTokenMillis >= 0 && firstTokenMillis < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "firstTokenMillis must be finite and not negative, not " + firstTokenMillis);
        }
    }
}
