package dev.stator.api.lint;

/**
 * What requests cost.
 *
 * @param tokens of all prompts
 * @param computed those that were not in the cache
 */
public record Outcome(long tokens, long computed) {
    /** The part of prompt tokens that came from the cache. */
    public double served() {
        return tokens == 0 ? 0 : 1 - (double) computed / tokens;
    }
}
