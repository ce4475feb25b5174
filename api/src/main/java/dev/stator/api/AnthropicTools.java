package dev.stator.api;

import dev.stator.api.chat.ToolChoice;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code tools} and {@code tool_choice} of Anthropic's API, as OpenAI's clients would send them.
 */
final class AnthropicTools {
    private static final String TYPE = "type";

    private AnthropicTools() {}

    /**
     * @throws ApiException naming what is wrong
     */
    static List<Map<String, Object>> of(Fields fields) {
        var names = new HashSet<String>();
        var tools = new ArrayList<Map<String, Object>>();
        for (var tool : fields.objects("tools")) {
            tool.string(TYPE)
                    .filter(type -> !type.equals("custom"))
                    .ifPresent(
                            type -> {
                                throw tool.wrong(
                                        TYPE,
                                        "Only tools of the client's own are possible, of type"
                                                + " \"custom\"; no server here runs \"%s\"."
                                                        .formatted(
                                                                type.length() > 60 ? "…" : type));
                            });
            var name = ChatRequest.functionName(tool);
            if (!names.add(name)) {
                throw tool.wrong("name", "Two tools have the name \"%s\".".formatted(name));
            }
            tools.add(function(tool, name));
        }
        return tools;
    }

    private static Map<String, Object> function(Fields tool, String name) {
        var function = new LinkedHashMap<String, Object>();
        function.put("name", name);
        tool.string("description").ifPresent(text -> function.put("description", text));
        var schema =
                tool.object("input_schema")
                        .orElseThrow(
                                () ->
                                        tool.wrong(
                                                "input_schema", "A tool needs an `input_schema`."));
        function.put("parameters", Json.map(schema.object()));
        var written = new LinkedHashMap<String, Object>();
        written.put(TYPE, "function");
        written.put("function", function);
        return written;
    }

    /**
     * @param tools as read
     * @throws ApiException naming what is wrong
     */
    static ToolChoice choice(Fields fields, List<Map<String, Object>> tools) {
        var given = fields.object("tool_choice");
        if (given.isEmpty()) {
            return tools.isEmpty() ? new ToolChoice.None() : new ToolChoice.Auto();
        }
        var choice = given.get();
        var type =
                choice.choice(TYPE, List.of("auto", "any", "tool", "none"), name -> name)
                        .orElseThrow(() -> choice.wrong(TYPE, "`tool_choice` needs a `type`."));
        boolean calls = type.equals("any") || type.equals("tool");
        if (calls && tools.isEmpty()) {
            throw fields.wrong(
                    "tool_choice", "`tool_choice` asks for a call, but `tools` is empty.");
        }
        return switch (type) {
            case "none" -> new ToolChoice.None();
            case "any" -> new ToolChoice.Required();
            case "tool" -> new ToolChoice.Named(named(choice, tools));
            default -> tools.isEmpty() ? new ToolChoice.None() : new ToolChoice.Auto();
        };
    }

    private static String named(Fields choice, List<Map<String, Object>> tools) {
        var name =
                choice.string("name")
                        .orElseThrow(() -> choice.wrong("name", "`tool_choice` needs a `name`."));
        if (tools.stream()
                .noneMatch(
                        tool ->
                                tool.get("function") instanceof Map<?, ?> function
                                        && name.equals(function.get("name")))) {
            throw choice.wrong(
                    "name", "`tool_choice` names \"%s\", which is no tool.".formatted(name));
        }
        return name;
    }
}
