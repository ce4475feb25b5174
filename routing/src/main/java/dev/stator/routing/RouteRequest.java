package dev.stator.routing;

/**
 * What a router knows of one request.
 *
 * @param id unique at this router
 * @param keys the upper 64 bits of the keys of the prompt's complete blocks, first block first. Not
 *     copied: must not be changed
 * @param blockTokens tokens per block
 * @param promptTokens length of the prompt, at least 1
 * @param outputTokens expected length of the answer; an estimate
 * @param tenant for fairness; empty if there is but one
 * @param priority higher goes first; 0 is usual
 * @param deadlineNanos by {@link Ticker}, when the first token must be there; {@link
 *     Long#MAX_VALUE} if there is no hurry
 */
public record RouteRequest(
        long id,
        long[] keys,
        int blockTokens,
        int promptTokens,
        int outputTokens,
        String tenant,
        int priority,
        long deadlineNanos) {
    /** Where there is no request yet. */
    static final RouteRequest NONE =
            new RouteRequest(0, new long[0], 1, 1, 0, "", 0, Long.MAX_VALUE);

    public RouteRequest {
        if (blockTokens < 1 || promptTokens < 1 || outputTokens < 0) {
            throw new IllegalArgumentException(
                    "request %d: blockTokens (%d) and promptTokens (%d) must be at least 1, outputTokens (%d) at least 0"
                            .formatted(id, blockTokens, promptTokens, outputTokens));
        }
        if ((long) keys.length * blockTokens > promptTokens) {
            throw new IllegalArgumentException(
                    "request %d: %d blocks of %d tokens are more than the prompt's %d tokens; keys name complete blocks only"
                            .formatted(id, keys.length, blockTokens, promptTokens));
        }
    }

    /** Tokens of KV once the answer is complete. */
    long answeredTokens() {
        return (long) promptTokens + outputTokens;
    }

    /**
     * Tokens of so many leading blocks whose KV can be had without computing: at most all but the
     * last token, whose logits begin the answer.
     */
    public int reusable(int blocks) {
        return Math.min(blocks * blockTokens, promptTokens - 1);
    }
}
