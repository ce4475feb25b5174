package dev.stator.api;

import dev.stator.api.chat.AnswerPart;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The JSON of Anthropic's answers.
 *
 * @param id of the message, as clients see it
 */
record AnthropicShape(String id, String model) {
    /** An answer with neither content nor end. */
    ObjectNode message() {
        var message =
                Json.object()
                        .put("id", id)
                        .put("type", "message")
                        .put("role", "assistant")
                        .put("model", model);
        message.putArray("content");
        return message.putNull("stop_reason").putNull("stop_sequence");
    }

    /**
     * @param openAi why it ended, as {@link Choice#finishReason} says
     * @param stop the stop sequence that it ended before
     */
    static void end(ObjectNode to, String openAi, Optional<String> stop) {
        to.put(
                "stop_reason",
                switch (openAi) {
                    case "tool_calls" -> "tool_use";
                    case "length" -> "max_tokens";
                    default -> stop.isPresent() ? "stop_sequence" : "end_turn";
                });
        to.put("stop_sequence", stop.orElse(null));
    }

    /**
     * The three kinds of input tokens add up to the prompt. Those count as written to the cache
     * that are kept because of a {@code cache_control} and were not there.
     */
    static ObjectNode usage(Usage usage) {
        int written = Math.max(0, usage.keptTokens() - usage.cachedTokens());
        return Json.object()
                .put("input_tokens", usage.promptTokens() - usage.cachedTokens() - written)
                .put("cache_creation_input_tokens", written)
                .put("cache_read_input_tokens", usage.cachedTokens())
                .put("output_tokens", usage.completionTokens());
    }

    /** A block of text. */
    static ObjectNode text(String text) {
        return Json.object().put("type", "text").put("text", text);
    }

    /** A block of thoughts; nobody signs them. */
    static ObjectNode thinking(String text) {
        return Json.object().put("type", "thinking").put("thinking", text).put("signature", "");
    }

    static ObjectNode use(String id, String name, JsonNode input) {
        var block = Json.object().put("type", "tool_use").put("id", id).put("name", name);
        block.set("input", input);
        return block;
    }

    /** What a block is before its content comes. */
    static ObjectNode opened(AnswerPart first) {
        return switch (first) {
            case AnswerPart.Text _ -> text("");
            case AnswerPart.Reasoning _ -> thinking("");
            case AnswerPart.ToolCallStart(_, var id, var name) -> use(id, name, Json.object());
            case AnswerPart.ToolCallArguments _ ->
                    throw new IllegalStateException("a call begins with its name");
        };
    }

    /** What adds to a block; empty where the part is said by the block's beginning. */
    static Optional<ObjectNode> delta(AnswerPart part) {
        return switch (part) {
            case AnswerPart.Text(var text) ->
                    Optional.of(Json.object().put("type", "text_delta").put("text", text));
            case AnswerPart.Reasoning(var text) ->
                    Optional.of(Json.object().put("type", "thinking_delta").put("thinking", text));
            case AnswerPart.ToolCallStart _ -> Optional.empty();
            case AnswerPart.ToolCallArguments(_, var json) ->
                    Optional.of(
                            Json.object()
                                    .put("type", "input_json_delta")
                                    .put("partial_json", json));
        };
    }
}
