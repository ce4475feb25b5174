package dev.stator.api.chat;

import dev.stator.jinja.TemplateException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a chat template can take, found by showing it small conversations once.
 *
 * @param textContent content may be a text
 * @param partContent content may be a list of parts, and means the same
 * @param system there may be a system message
 * @param tools tools that are given appear in the prompt
 * @param objectArguments a call's arguments are wanted as an object rather than as JSON text
 * @param nullContent a message that only calls tools is recognised by its content being none
 * @param documents documents that are given appear in the prompt
 */
record TemplateTraits(
        boolean textContent,
        boolean partContent,
        boolean system,
        boolean tools,
        boolean objectArguments,
        boolean nullContent,
        boolean documents) {
    private static final String NEEDLE = "zebra42";
    private static final String FUNCTION = "look_up_zebra";
    private static final String KEY = "zebra_name";

    /** Renders messages, tools and documents. */
    interface Rendering {
        String apply(List<?> messages, List<?> tools, List<?> documents);
    }

    static TemplateTraits probe(Rendering render) {
        var probe = new Probe(render);
        var asText = probe.show(List.of(message("user", NEEDLE)), List.of());
        var asParts =
                probe.show(
                        List.of(message("user", List.of(Map.of("type", "text", "text", NEEDLE)))),
                        List.of());
        boolean text = asText.contains(NEEDLE);
        boolean parts =
                text
                        ? asParts.equals(asText)
                        : asParts.contains(NEEDLE) && !asParts.contains("'type'");
        var user = message("user", content("x", text || !parts));
        var system = message("system", content(NEEDLE, text || !parts));
        var calls = probe.calls(user);
        return new TemplateTraits(
                text || !parts,
                parts,
                probe.show(List.of(system, user), List.of()).contains(NEEDLE),
                probe.show(List.of(user), List.of(tool())).contains(FUNCTION),
                calls.objectArguments,
                calls.nullContent,
                probe.show(List.of(user), List.of(), List.of(document())).contains(NEEDLE));
    }

    private static Object content(String text, boolean asText) {
        return asText ? text : List.of(Map.of("type", "text", "text", text));
    }

    private static Map<String, @Nullable Object> message(String role, @Nullable Object content) {
        var message = new LinkedHashMap<String, @Nullable Object>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }

    private static Map<String, Object> tool() {
        var parameters =
                Map.of("type", "object", "properties", Map.of(KEY, Map.of("type", "string")));
        return Map.of(
                "type",
                "function",
                "function",
                Map.of("name", FUNCTION, "description", "Looks up.", "parameters", parameters));
    }

    private static Map<String, Object> document() {
        return Map.of("id", "1", "title", "Zebras", "text", NEEDLE);
    }

    private record Calls(boolean objectArguments, boolean nullContent) {}

    private record Probe(Rendering render) {
        String show(List<?> messages, List<?> tools) {
            return show(messages, tools, List.of());
        }

        /** What is rendered; nothing if the template refuses. */
        String show(List<?> messages, List<?> tools, List<?> documents) {
            try {
                return render.apply(messages, tools, documents);
            } catch (TemplateException refused) {
                return "";
            }
        }

        Calls calls(Map<String, ?> user) {
            for (var asObject : new boolean[] {true, false}) {
                for (var asNull : new boolean[] {true, false}) {
                    var shown = show(history(user, asObject, asNull), List.of(tool()));
                    if (understood(shown, asObject) && !(asNull && shown.contains("None"))) {
                        return new Calls(asObject, asNull);
                    }
                }
            }
            return new Calls(true, false);
        }

        private static boolean understood(String shown, boolean asObject) {
            return asObject
                    ? shown.contains(NEEDLE)
                            && !shown.contains("'" + KEY + "'")
                            && !shown.contains("\\\"" + KEY)
                    : shown.contains("{\"" + KEY + "\": \"" + NEEDLE + "\"}");
        }

        private static List<?> history(Map<String, ?> user, boolean asObject, boolean asNull) {
            Object arguments =
                    asObject ? Map.of(KEY, NEEDLE) : "{\"" + KEY + "\": \"" + NEEDLE + "\"}";
            var call =
                    Map.of(
                            "id",
                            "abcdefghi",
                            "type",
                            "function",
                            "function",
                            Map.of("name", FUNCTION, "arguments", arguments));
            var assistant = message("assistant", asNull ? null : "");
            assistant.put("tool_calls", List.of(call));
            var result = message("tool", "found");
            result.put("name", FUNCTION);
            result.put("tool_call_id", "abcdefghi");
            return List.of(user, assistant, result);
        }
    }
}
