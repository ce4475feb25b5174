package dev.stator.api;

import dev.stator.engine.ModelInfo;
import dev.stator.engine.SamplingOptions;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The fields that chat and plain completions share: how to choose tokens, when to stop, how to
 * deliver.
 *
 * @param sampling without a grammar
 * @param choices answers per prompt
 * @param salt separates tenants; see {@link dev.stator.serving.GenerationRequest}
 */
record Decoding(
        SamplingOptions sampling,
        List<String> stops,
        Set<Integer> stopTokens,
        boolean ignoreEnd,
        int choices,
        boolean stream,
        boolean includeUsage,
        String salt) {
    private static final int MAX_CHOICES = 128;
    private static final int MAX_STOPS = 16;

    /**
     * @param logprobs whether each token's logprob is wanted, and how many alternatives; empty: not
     */
    static Decoding of(Fields fields, OptionalInt logprobs, ModelInfo model) {
        var sampling =
                new SamplingOptions(
                        fields.number("temperature", 0, 2, 1),
                        positive(fields, "top_p", 1),
                        // vLLM's clients write -1 for "all".
                        Math.max(0, fields.integer("top_k", -1, Integer.MAX_VALUE).orElse(0)),
                        fields.number("min_p", 0, 1, 0),
                        fields.number("frequency_penalty", -2, 2, 0),
                        fields.number("presence_penalty", -2, 2, 0),
                        positive(fields, "repetition_penalty", 10),
                        logitBias(fields, model.vocabularySize()),
                        fields.longInteger("seed"),
                        logprobs.isPresent(),
                        logprobs.orElse(0),
                        Optional.empty());
        var streamOptions = fields.object("stream_options");
        return new Decoding(
                sampling,
                stops(fields),
                new HashSet<>(fields.tokens("stop_token_ids", model.vocabularySize())),
                fields.flag("ignore_eos", false),
                fields.integer("n", 1, MAX_CHOICES).orElse(1),
                fields.flag("stream", false),
                streamOptions.map(options -> options.flag("include_usage", false)).orElse(false),
                fields.string("cache_salt").orElse(""));
    }

    /** Above 0 and up to {@code max}; absent is 1, which is off. */
    private static float positive(Fields fields, String field, double max) {
        float number = fields.number(field, 0, max, 1);
        if (number == 0) {
            throw fields.wrong(field, "`%s` must be greater than 0.".formatted(field));
        }
        return number;
    }

    private static List<String> stops(Fields fields) {
        var stops = fields.strings("stop");
        if (stops.size() > MAX_STOPS) {
            throw fields.wrong(
                    "stop",
                    "`stop` holds %d strings; at most %d are possible."
                            .formatted(stops.size(), MAX_STOPS));
        }
        if (stops.contains("")) {
            throw fields.wrong("stop", "`stop` must not hold an empty string.");
        }
        return stops;
    }

    private static Map<Integer, Float> logitBias(Fields fields, int vocabulary) {
        var biases = new HashMap<Integer, Float>();
        fields.object("logit_bias")
                .ifPresent(
                        object -> {
                            for (var token : object.object().propertyNames()) {
                                biases.put(
                                        tokenId(fields, token, vocabulary),
                                        object.number(token, -100, 100, 0));
                            }
                        });
        return biases;
    }

    private static int tokenId(Fields fields, String token, int vocabulary) {
        if (token.matches("[0-9]{1,9}") && Integer.parseInt(token) < vocabulary) {
            return Integer.parseInt(token);
        }
        throw fields.wrong(
                "logit_bias",
                "The keys of `logit_bias` must be token ids from 0 to %d, written as strings."
                        .formatted(vocabulary - 1));
    }

    /** The options of one of several answers to a prompt, which differ by their seed. */
    SamplingOptions sampling(int choice, Optional<String> grammar) {
        var seed = sampling.seed();
        var its = seed.isPresent() ? OptionalLong.of(seed.getAsLong() + choice) : seed;
        return sampling.withSeed(its).withGrammar(grammar);
    }
}
