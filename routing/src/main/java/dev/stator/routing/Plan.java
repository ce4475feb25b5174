package dev.stator.routing;

/** Where a request runs. */
public sealed interface Plan {
    String decodeWorker();

    /** Predicted milliseconds until the first token, harm to other answers included. */
    double predictedMillis();

    /** The decode worker prefills as well. */
    record Aggregated(String decodeWorker, double predictedMillis) implements Plan {}

    /** A prefill worker computes blocks, the decode worker onboards them as they appear. */
    record Split(String prefillWorker, String decodeWorker, double predictedMillis)
            implements Plan {}
}
