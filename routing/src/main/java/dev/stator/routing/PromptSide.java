package dev.stator.routing;

/** What it would take to compute the prompt at one worker. Filled in anew for each decision. */
final class PromptSide {
    /** Leading blocks on the worker's device. */
    int heldBlocks;

    /** Leading blocks that it has once it has fetched what is worth fetching. */
    int suppliedBlocks;

    /** Tokens to compute, and what they attend to. */
    double newTokens;

    double attendedTokens;

    double queueMillis;
    double fetchMillis;
    double prefillMillis;

    /** See {@link Prediction#harmMillis()}. */
    double harmMillis;

    Progress progress() {
        return new Progress(queueMillis, prefillMillis);
    }

    double doneMillis() {
        return queueMillis + fetchMillis + prefillMillis;
    }

    double costMillis() {
        return doneMillis() + harmMillis;
    }
}
