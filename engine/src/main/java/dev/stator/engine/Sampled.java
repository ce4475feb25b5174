package dev.stator.engine;

import java.util.List;

/**
 * A chosen token.
 *
 * @param logprob natural logarithm of the model's own probability of the token, before any sampling
 *     option; NaN unless asked for
 * @param top the most probable tokens by the same measure, best first; empty unless asked for
 */
public record Sampled(int token, float logprob, List<Candidate> top) {
    /** A token that could have been chosen. */
    public record Candidate(int token, float logprob) {}
}
