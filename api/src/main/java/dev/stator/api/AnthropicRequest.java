package dev.stator.api;

import dev.stator.api.chat.ChatException;
import dev.stator.api.chat.Conversation;
import dev.stator.api.chat.JsonSchemaGrammar;
import dev.stator.api.chat.ToolChoice;
import dev.stator.api.documents.ReuseMode;
import dev.stator.engine.SamplingOptions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A validated body of {@code /v1/messages}: the same conversation as it would be in OpenAI's shape.
 *
 * @param singleCall whether the answer may call but one tool
 */
record AnthropicRequest(ChatRequest chat, boolean singleCall) {
    private static final int MAX_STOPS = 16;

    /** What belongs to Anthropic's own machines. */
    private static final List<String> ELSEWHERE = List.of("mcp_servers", "container");

    /**
     * @throws ApiException naming what is wrong
     */
    static AnthropicRequest of(Fields fields, ReuseMode usual) {
        var maxTokens = fields.integer("max_tokens", 1, Integer.MAX_VALUE);
        if (maxTokens.isEmpty()) {
            throw fields.wrong("max_tokens", "`max_tokens` is missing.");
        }
        var messages = messages(fields, usual);
        var conversation = conversation(fields, messages);
        var format = format(fields);
        if (format.isPresent()
                && !conversation.tools().isEmpty()
                && !(conversation.toolChoice() instanceof ToolChoice.None)) {
            throw fields.wrong(
                    "output_config",
                    "`output_config.format` cannot be combined with `tools`: the format would forbid"
                            + " the calls. Set `tool_choice` to none or leave one of them out.");
        }
        var choice = fields.object("tool_choice");
        return new AnthropicRequest(
                new ChatRequest(
                        fields.string("model"),
                        conversation,
                        decoding(fields),
                        format,
                        maxTokens,
                        messages.marks(),
                        ChatRequest.answers(fields)),
                choice.map(its -> its.flag("disable_parallel_tool_use", false)).orElse(false));
    }

    /**
     * What is asked, without how it is to be answered.
     *
     * @throws ApiException naming what is wrong
     */
    static Conversation conversation(Fields fields, ReuseMode usual) {
        return conversation(fields, messages(fields, usual));
    }

    private static AnthropicMessages messages(Fields fields, ReuseMode usual) {
        for (var field : ELSEWHERE) {
            if (fields.value(field).filter(node -> !node.isEmpty()).isPresent()) {
                throw fields.wrong(field, "`%s` is not supported.".formatted(field));
            }
        }
        return AnthropicMessages.of(fields, usual);
    }

    private static Conversation conversation(Fields fields, AnthropicMessages messages) {
        var tools = AnthropicTools.of(fields);
        boolean continues = messages.endsWithAnswer();
        return new Conversation(
                messages.written(),
                tools,
                AnthropicTools.choice(fields, tools),
                !continues,
                continues,
                templateArguments(fields),
                messages.documents());
    }

    private static Map<String, Object> templateArguments(Fields fields) {
        var arguments = new HashMap<>(ChatRequest.templateArguments(fields));
        fields.object("thinking")
                .ifPresent(
                        thinking -> {
                            var type =
                                    thinking.choice(
                                            "type",
                                            List.of("enabled", "adaptive", "disabled"),
                                            name -> name);
                            thinking.need(type, "type", "`thinking` needs a `type`.");
                            // As the templates of models that can do both call it.
                            arguments.putIfAbsent(
                                    "enable_thinking", !type.orElseThrow().equals("disabled"));
                        });
        return arguments;
    }

    private static Decoding decoding(Fields fields) {
        float topP = fields.number("top_p", 0, 1, 1);
        if (topP == 0) {
            throw fields.wrong("top_p", "`top_p` must be greater than 0.");
        }
        var sampling =
                new SamplingOptions(
                        fields.number("temperature", 0, 1, 1),
                        topP,
                        fields.integer("top_k", 0, Integer.MAX_VALUE).orElse(0),
                        0,
                        0,
                        0,
                        1,
                        Map.of(),
                        fields.longInteger("seed"),
                        false,
                        0,
                        Optional.empty());
        return new Decoding(
                sampling,
                stops(fields),
                Set.of(),
                false,
                1,
                fields.flag("stream", false),
                true,
                fields.string("cache_salt").orElse(""));
    }

    private static List<String> stops(Fields fields) {
        var stops = fields.strings("stop_sequences");
        if (stops.size() > MAX_STOPS) {
            throw fields.wrong(
                    "stop_sequences",
                    "`stop_sequences` holds %d strings; at most %d are possible."
                            .formatted(stops.size(), MAX_STOPS));
        }
        if (stops.stream().anyMatch(String::isBlank)) {
            throw fields.wrong(
                    "stop_sequences", "`stop_sequences` must not hold a string of blanks only.");
        }
        return stops;
    }

    private static Optional<String> format(Fields fields) {
        var given = fields.object("output_config").flatMap(config -> config.object("format"));
        if (given.isEmpty()) {
            return Optional.empty();
        }
        var format = given.get();
        format.need(
                format.choice("type", List.of("json_schema"), name -> name),
                "type",
                "A `format` needs `type`: \"json_schema\".");
        var schema =
                format.value("schema")
                        .orElseThrow(() -> format.wrong("schema", "A `format` needs a `schema`."));
        if (!schema.isObject() && !schema.isBoolean()) {
            throw format.type("schema", "a JSON Schema object", schema);
        }
        try {
            return Optional.of(JsonSchemaGrammar.of(schema));
        } catch (ChatException e) {
            throw format.wrong("schema", e.getMessage());
        }
    }
}
