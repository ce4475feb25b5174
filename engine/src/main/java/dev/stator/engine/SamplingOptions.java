package dev.stator.engine;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How an answer's tokens are chosen.
 *
 * @param temperature 0 is greedy
 * @param topP 1 is off
 * @param topK 0 is off
 * @param minP 0 is off
 * @param frequencyPenalty as OpenAI defines it; 0 is off
 * @param presencePenalty as OpenAI defines it; 0 is off
 * @param repeatPenalty divides the logits of tokens seen in the answer; 1 is off
 * @param logitBias token id to what is added to its logit
 * @param seed empty: drawn at random
 * @param logprobs whether each token's logprob is wanted
 * @param topLogprobs how many alternatives are wanted as well, 0 to 20
 * @param grammar a GBNF grammar whose start symbol is {@code root}, which the answer must follow
 */
public record SamplingOptions(
        float temperature,
        float topP,
        int topK,
        float minP,
        float frequencyPenalty,
        float presencePenalty,
        float repeatPenalty,
        Map<Integer, Float> logitBias,
        OptionalLong seed,
        boolean logprobs,
        int topLogprobs,
        Optional<String> grammar) {
    public static final SamplingOptions GREEDY =
            new SamplingOptions(
                    0,
                    1,
                    0,
                    0,
                    0,
                    0,
                    1,
                    Map.of(),
                    OptionalLong.empty(),
                    false,
                    0,
                    Optional.empty());

    public SamplingOptions {
        logitBias = Map.copyOf(logitBias);
    }

    /** The same, but that token is never chosen. */
    public SamplingOptions without(int token) {
        var biases = new HashMap<>(logitBias);
        biases.put(token, Float.NEGATIVE_INFINITY);
        return with(biases, seed, grammar);
    }

    public SamplingOptions withSeed(OptionalLong other) {
        return with(logitBias, other, grammar);
    }

    public SamplingOptions withGrammar(Optional<String> other) {
        return with(logitBias, seed, other);
    }

    private SamplingOptions with(
            Map<Integer, Float> itsBias, OptionalLong itsSeed, Optional<String> itsGrammar) {
        return new SamplingOptions(
                temperature,
                topP,
                topK,
                minP,
                frequencyPenalty,
                presencePenalty,
                repeatPenalty,
                itsBias,
                itsSeed,
                logprobs,
                topLogprobs,
                itsGrammar);
    }
}
