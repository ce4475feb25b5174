package dev.stator.routing;

/**
 * A worker's report about itself, at least once per engine step that changes it, and now and then
 * while it has requests: one that has work and says nothing is taken to be stuck.
 *
 * @param running answers being generated
 * @param contextTokens tokens of KV that these attend to, all together
 * @param waitingPrompts prompts that it was given and whose first token is still to come
 * @param waitingTokens prompt tokens of these that must still be computed here
 * @param waitingAttended the sum, over these tokens, of the tokens that each attends to; see {@link
 *     Step#attended}
 * @param freeTokens tokens of KV that it can still take without preempting anybody, once all that
 *     it was given has what it needs; negative if that is more than there is
 * @param seen the number of the latest of this router's dispatches that is in the other figures;
 *     the router adds those that followed
 */
public record WorkerLoad(
        int running,
        long contextTokens,
        int waitingPrompts,
        long waitingTokens,
        double waitingAttended,
        long freeTokens,
        long seen) {}
