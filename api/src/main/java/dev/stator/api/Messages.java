package dev.stator.api;

import java.util.List;
import java.util.Map;

/** Checks the messages of a conversation. */
final class Messages {
    private static final List<String> ROLES =
            List.of("system", "developer", "user", "assistant", "tool", "function");

    private Messages() {}

    /**
     * @return at least one
     */
    static List<Map<String, Object>> of(Fields fields) {
        var messages = fields.objects("messages");
        if (messages.isEmpty()) {
            throw fields.wrong("messages", "`messages` must hold at least one message.");
        }
        messages.forEach(Messages::check);
        var read = Json.objects(fields.array("messages").orElseThrow());
        read.forEach(Messages::withoutMarks);
        return read;
    }

    /** What is to be kept is nothing for the model's template; see {@link CacheMark}. */
    private static void withoutMarks(Map<String, Object> message) {
        message.remove("cache_control");
        if (message.get("content") instanceof List<?> parts) {
            for (var part : parts) {
                if (part instanceof Map<?, ?> map) {
                    map.remove("cache_control");
                }
            }
        }
    }

    private static void check(Fields message) {
        var role =
                message.choice("role", ROLES, name -> name)
                        .orElseThrow(() -> message.wrong("role", "A message needs a `role`."));
        message.string("name");
        message.string("tool_call_id");
        var calls = message.objects("tool_calls");
        calls.forEach(Messages::checkCall);
        checkContent(message, role.equals("assistant"), !calls.isEmpty());
    }

    private static void checkContent(Fields message, boolean byModel, boolean calls) {
        var content = message.value("content");
        if (content.isEmpty()) {
            if (!byModel) {
                throw message.wrong("content", "A message needs `content`.");
            }
            if (!calls
                    && message.value("refusal").isEmpty()
                    && message.value("reasoning_content").isEmpty()) {
                throw message.wrong(
                        "content", "An assistant's message needs `content` or `tool_calls`.");
            }
        } else if (content.get().isArray()) {
            message.objects("content").forEach(Messages::checkPart);
        } else if (!content.get().isString()) {
            throw message.type("content", "a string or an array of parts", content.get());
        }
        message.string("reasoning_content");
        message.string("refusal");
    }

    private static void checkPart(Fields part) {
        var type =
                part.string("type")
                        .orElseThrow(() -> part.wrong("type", "A content part needs a `type`."));
        switch (type) {
            case "text", "refusal" ->
                    part.need(
                            part.string(type),
                            type,
                            "A part of type \"%s\" needs `%s`.".formatted(type, type));
            case "image_url", "input_image", "input_audio", "video_url", "file" ->
                    throw part.wrong(
                            "type",
                            "The model reads text only; a part of type \"%s\" is not possible."
                                    .formatted(type));
            default ->
                    throw part.wrong(
                            "type",
                            "A content part's type must be \"text\", not \"%s\"."
                                    .formatted(type.length() > 60 ? "…" : type));
        }
    }

    private static void checkCall(Fields call) {
        call.string("id");
        call.choice("type", List.of("function"), name -> name);
        var function =
                call.object("function")
                        .orElseThrow(
                                () -> call.wrong("function", "A tool call needs a `function`."));
        function.need(function.string("name"), "name", "A called function needs a `name`.");
        function.string("arguments");
    }
}
