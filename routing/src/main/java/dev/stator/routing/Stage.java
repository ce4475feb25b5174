package dev.stator.routing;

/** A part of the way to the first token that is predicted and measured. */
public enum Stage {
    QUEUE,
    FETCH,
    PREFILL,
    HANDOFF,
    /** All of it. */
    FIRST_TOKEN;

    public double of(Prediction prediction) {
        return switch (this) {
            case QUEUE -> prediction.queueMillis();
            case FETCH -> prediction.fetchMillis();
            case PREFILL -> prediction.prefillMillis();
            case HANDOFF -> prediction.handoffMillis();
            case FIRST_TOKEN -> prediction.firstTokenMillis();
        };
    }

    public double of(Actual actual) {
        return switch (this) {
            case QUEUE -> actual.queueMillis();
            case FETCH -> actual.fetchMillis();
            case PREFILL -> actual.prefillMillis();
            case HANDOFF -> actual.handoffMillis();
            case FIRST_TOKEN -> actual.firstTokenMillis();
        };
    }
}
