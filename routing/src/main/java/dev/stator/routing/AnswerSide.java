package dev.stator.routing;

/** What it would take to generate the answer at one worker. Filled in anew for each decision. */
final class AnswerSide {
    /** Leading blocks on the worker's device. */
    int heldBlocks;

    /** Leading blocks that it has or can fetch without waiting for a prefill worker. */
    int suppliedBlocks;

    /** Fetching these. */
    double fetchMillis;

    /** From the last block to the first token: joining the steps of the answers that run. */
    double joinMillis;

    /** See {@link Prediction#harmMillis()}. */
    double harmMillis;

    double costMillis() {
        return fetchMillis + joinMillis + harmMillis;
    }
}
