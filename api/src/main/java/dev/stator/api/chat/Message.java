package dev.stator.api.chat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * One message of a conversation, checked: reads what a client sent.
 *
 * @param where the message's place in the request, for errors
 */
record Message(String where, Map<String, ? extends @Nullable Object> fields) {
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    static List<Message> all(List<Map<String, Object>> messages) {
        if (messages.isEmpty()) {
            throw new ChatException("messages must hold at least one message");
        }
        var all = new ArrayList<Message>();
        for (int i = 0; i < messages.size(); i++) {
            all.add(new Message("messages[" + i + "]", messages.get(i)));
        }
        return all;
    }

    String role() {
        if (fields.get("role") instanceof String role && !role.isEmpty()) {
            return role;
        }
        throw new ChatException(where + ".role must be a text such as \"user\"");
    }

    boolean hasContent() {
        return fields.get("content") != null;
    }

    /** The content's text; parts are joined by line breaks. */
    String text() {
        return switch (fields.get("content")) {
            case null -> "";
            case String text -> text;
            case List<?> parts -> String.join("\n", texts(parts));
            default -> throw contentError();
        };
    }

    private List<String> texts(List<?> parts) {
        var texts = new ArrayList<String>();
        for (int i = 0; i < parts.size(); i++) {
            texts.add(partText(where + ".content[" + i + "]", parts.get(i)));
        }
        return texts;
    }

    private static String partText(String at, @Nullable Object part) {
        if (part instanceof String text) {
            return text;
        }
        if (!(part instanceof Map<?, ?> map)) {
            throw new ChatException(
                    at + " must be an object such as {\"type\":\"text\",\"text\":\"…\"}");
        }
        var type = map.get("type");
        if (!"text".equals(type) && !"refusal".equals(type)) {
            throw new ChatException(
                    at + ": parts of type \"" + type + "\" are not supported, only \"text\"");
        }
        if (map.get("text".equals(type) ? "text" : "refusal") instanceof String text) {
            return text;
        }
        throw new ChatException(at + "." + type + " must be a text");
    }

    /** The content as parts. */
    List<Map<String, Object>> parts() {
        return switch (fields.get("content")) {
            case null -> List.of();
            case String text -> List.of(part(text));
            case List<?> parts -> texts(parts).stream().map(Message::part).toList();
            default -> throw contentError();
        };
    }

    boolean contentIsParts() {
        return fields.get("content") instanceof List<?>;
    }

    private ChatException contentError() {
        return new ChatException(where + ".content must be a text or a list of parts");
    }

    private static Map<String, Object> part(String text) {
        var part = new LinkedHashMap<String, Object>();
        part.put("type", "text");
        part.put("text", text);
        return part;
    }

    /** The calls that the message makes; empty for most. */
    List<Call> calls() {
        var given = fields.get("tool_calls");
        if (given == null) {
            return List.of();
        }
        if (!(given instanceof List<?> list)) {
            throw new ChatException(where + ".tool_calls must be a list");
        }
        var calls = new ArrayList<Call>();
        for (int i = 0; i < list.size(); i++) {
            calls.add(Call.of(where + ".tool_calls[" + i + "]", list.get(i)));
        }
        return calls;
    }

    /**
     * A call as a client sends it back.
     *
     * @param fields the whole call
     * @param function its {@code function}
     */
    record Call(Map<?, ?> fields, Map<?, ?> function, String name) {
        static Call of(String at, @Nullable Object given) {
            if (given instanceof Map<?, ?> call
                    && call.get("function") instanceof Map<?, ?> function
                    && function.get("name") instanceof String name) {
                return new Call(call, function, name);
            }
            throw new ChatException(
                    at + " must be an object with a function that has a name and arguments");
        }

        /** The arguments as an object if they are one, else as they came. */
        Object argumentsAsObject() {
            var arguments = function.get("arguments");
            if (arguments == null) {
                return Map.of();
            }
            if (!(arguments instanceof String text)) {
                return arguments;
            }
            if (text.isBlank()) {
                return Map.of();
            }
            try {
                return JSON.readValue(text, new TypeReference<Map<String, Object>>() {});
            } catch (JacksonException notAnObject) {
                return text;
            }
        }

        /** The arguments as JSON text. */
        String argumentsAsText() {
            var arguments = function.get("arguments");
            if (arguments instanceof String text) {
                return text.isBlank() ? "{}" : text;
            }
            return arguments == null ? "{}" : JSON.writeValueAsString(arguments);
        }
    }

    /** JSON text of plain values. */
    static String json(Object value) {
        return JSON.writeValueAsString(value);
    }
}
