package dev.stator.routing;

/**
 * What the first token of a request really took, in milliseconds from its dispatch. The parts are
 * those of {@link Prediction}; harm cannot be seen from one request.
 */
public record Actual(
        double queueMillis, double fetchMillis, double prefillMillis, double handoffMillis) {
    public double firstTokenMillis() {
        return queueMillis + fetchMillis + prefillMillis + handoffMillis;
    }
}
