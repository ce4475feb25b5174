package dev.stator.routing;

/**
 * What a plan is expected to cost, in milliseconds.
 *
 * @param queueMillis until the worker that prefills begins with this prompt
 * @param fetchMillis reading blocks that it lacks and that are cheaper to fetch than to compute
 * @param prefillMillis computing the rest of the prompt
 * @param handoffMillis from the last computed block to the first token on another worker; 0 if
 *     aggregated
 * @param harmMillis what others lose by it, and what this request loses after its first token: see
 *     {@link RouterOptions#harmWeight()}
 * @param alone queue and prefill without what others on the same cores make of them
 */
public record Prediction(
        double queueMillis,
        double fetchMillis,
        double prefillMillis,
        double handoffMillis,
        double harmMillis,
        Progress alone) {
    /** Where each worker has hardware of its own. */
    public Prediction(
            double queueMillis,
            double fetchMillis,
            double prefillMillis,
            double handoffMillis,
            double harmMillis) {
        this(
                queueMillis,
                fetchMillis,
                prefillMillis,
                handoffMillis,
                harmMillis,
                new Progress(queueMillis, prefillMillis));
    }

    /** From dispatch to the first token. */
    public double firstTokenMillis() {
        return queueMillis + fetchMillis + prefillMillis + handoffMillis;
    }

    /**
     * What plans are compared by. How long a prompt waits for cores that running answers have is
     * what these were promised, and does not count: a plan that breaks the promise would win.
     */
    public double costMillis() {
        return alone.queueMillis()
                + fetchMillis
                + alone.prefillMillis()
                + handoffMillis
                + harmMillis;
    }
}
