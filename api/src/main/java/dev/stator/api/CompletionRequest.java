package dev.stator.api;

import dev.stator.api.documents.ReuseMode;
import dev.stator.engine.ModelInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A validated body of {@code /v1/completions}.
 *
 * @param prompts at least one
 * @param echo whether each answer begins with its prompt
 * @param maxTokens 0 is possible with {@code echo} only
 * @param reuse of passages that earlier prompts had; a prompt has no documents to reorder
 */
record CompletionRequest(
        List<Input> prompts, Decoding decoding, boolean echo, int maxTokens, ReuseMode reuse) {
    private static final int MAX_ANSWERS = 256;

    /** OpenAI's default. */
    private static final int DEFAULT_MAX_TOKENS = 16;

    /** A text or its tokens. */
    sealed interface Input {
        record Text(String text) implements Input {}

        record Tokens(int[] tokens) implements Input {}
    }

    /**
     * @param usual the reuse mode if the request does not say one
     * @throws ApiException naming what is wrong
     */
    static CompletionRequest of(ObjectNode body, ModelInfo model, ReuseMode usual) {
        var fields = Fields.of(body);
        var logprobs = fields.integer("logprobs", 0, ChatRequest.MAX_TOP_LOGPROBS);
        var decoding = Decoding.of(fields, logprobs, model);
        boolean echo = fields.flag("echo", false);
        refuseUnsupported(fields, decoding, echo, logprobs);
        var prompts = inputs(fields, "prompt", model.vocabularySize(), MAX_ANSWERS);
        if (prompts.size() * decoding.choices() > MAX_ANSWERS) {
            throw fields.wrong(
                    "n",
                    "%d prompts with `n` = %d make more than %d answers."
                            .formatted(prompts.size(), decoding.choices(), MAX_ANSWERS));
        }
        return new CompletionRequest(
                prompts,
                decoding,
                echo,
                fields.integer("max_tokens", echo ? 0 : 1, Integer.MAX_VALUE)
                        .orElse(DEFAULT_MAX_TOKENS),
                DocumentFields.reuse(fields, usual));
    }

    private static void refuseUnsupported(
            Fields fields, Decoding decoding, boolean echo, OptionalInt logprobs) {
        fields.string("suffix")
                .filter(suffix -> !suffix.isEmpty())
                .ifPresent(
                        _ -> {
                            throw fields.wrong(
                                    "suffix",
                                    "`suffix` is not supported: text is only ever added at the"
                                            + " end.");
                        });
        var bestOf = fields.integer("best_of", 1, Integer.MAX_VALUE);
        if (bestOf.isPresent() && bestOf.getAsInt() != decoding.choices()) {
            throw fields.wrong(
                    "best_of",
                    "`best_of` is not supported unless it equals `n`: all answers are returned.");
        }
        if (echo && logprobs.isPresent()) {
            throw fields.wrong(
                    "echo",
                    "`echo` cannot be combined with `logprobs`: a prompt's logprobs are not"
                            + " computed.");
        }
    }

    /**
     * A string, an array of strings, an array of tokens, or an array of those.
     *
     * @throws ApiException if it is absent, of another shape, or empty
     */
    static List<Input> inputs(Fields fields, String field, int vocabulary, int most) {
        var given =
                fields.value(field)
                        .orElseThrow(
                                () -> fields.wrong(field, "`%s` is missing.".formatted(field)));
        var inputs = read(fields, field, given, vocabulary, most);
        for (int i = 0; i < inputs.size(); i++) {
            boolean empty =
                    switch (inputs.get(i)) {
                        case Input.Text(var text) -> text.isEmpty();
                        case Input.Tokens(var tokens) -> tokens.length == 0;
                    };
            if (empty) {
                throw fields.wrong(field, "`%s` must not be empty.".formatted(field));
            }
        }
        return inputs;
    }

    private static List<Input> read(
            Fields fields, String field, JsonNode given, int vocabulary, int most) {
        if (given.isString()) {
            return List.of(new Input.Text(given.stringValue()));
        }
        if (!(given instanceof ArrayNode array)) {
            throw fields.type(field, "a string, an array of strings or an array of tokens", given);
        }
        if (array.isEmpty()) {
            throw fields.wrong(field, "`%s` must not be empty.".formatted(field));
        }
        if (array.get(0).isNumber()) {
            return List.of(tokens(fields, field, array, vocabulary));
        }
        if (array.size() > most) {
            throw fields.wrong(
                    field,
                    "`%s` holds %d entries; at most %d are possible."
                            .formatted(field, array.size(), most));
        }
        var inputs = new ArrayList<Input>();
        for (int i = 0; i < array.size(); i++) {
            var name = field + "[" + i + "]";
            inputs.add(
                    switch (array.get(i)) {
                        case ArrayNode ids -> tokens(fields, name, ids, vocabulary);
                        case JsonNode text when text.isString() ->
                                new Input.Text(text.stringValue());
                        case JsonNode other ->
                                throw fields.type(name, "a string or an array of tokens", other);
                    });
        }
        return inputs;
    }

    private static Input tokens(Fields fields, String name, ArrayNode array, int vocabulary) {
        int[] tokens = new int[array.size()];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = fields.token(name + "[" + i + "]", array.get(i), vocabulary);
        }
        return new Input.Tokens(tokens);
    }
}
