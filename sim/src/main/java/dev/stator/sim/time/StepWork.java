package dev.stator.sim.time;

/**
 * What one engine step computes.
 *
 * @param prefillTokens new prompt tokens, of all prompts in the step together
 * @param prefillAttended sum over these tokens of the tokens that each attends to; see {@link
 *     #attended}
 * @param decodes running answers, each of which gets one token
 * @param decodeContext KV tokens that these attend to, all together
 */
public record StepWork(int prefillTokens, double prefillAttended, int decodes, long decodeContext) {
    public StepWork {
        if (prefillTokens < 0 || prefillAttended < 0 || decodes < 0 || decodeContext < 0) {
            throw new IllegalArgumentException(
                    "a step cannot do less than nothing: %d prompt tokens attending to %s, %d answers over %d"
                            .formatted(prefillTokens, prefillAttended, decodes, decodeContext));
        }
    }

    /** A step of running answers alone. */
    public static StepWork decode(int decodes, long decodeContext) {
        return new StepWork(0, 0, decodes, decodeContext);
    }

    /** A step that computes {@code tokens} of one prompt after its first {@code before} tokens. */
    public static StepWork prefill(long before, int tokens) {
        return new StepWork(tokens, attended(before, tokens), 0, 0);
    }

    /**
     * The tokens that {@code tokens} new ones attend to, all together: each to the {@code before}
     * that precede them, to the new ones before it, and to itself.
     */
    public static double attended(long before, int tokens) {
        return (double) tokens * before + tokens * (tokens + 1.0) / 2;
    }

    public int tokens() {
        return prefillTokens + decodes;
    }
}
