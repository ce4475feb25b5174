package dev.stator.api.chat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Tools for models whose template knows nothing of them: described in the system message, calls and
 * results written into the text, all in the form of {@link ToolFormat#HERMES}.
 */
final class ToolPrompt {
    private ToolPrompt() {}

    /**
     * @param systemRole whether the template has a system role; else the description begins the
     *     first message
     */
    static List<Map<String, Object>> rewrite(
            List<Message> messages, List<Map<String, Object>> tools, boolean systemRole) {
        var rewritten = new ArrayList<Map<String, Object>>();
        for (var message : messages) {
            rewritten.add(
                    switch (message.role()) {
                        case "tool" ->
                                text(
                                        "user",
                                        "<tool_response>\n"
                                                + message.text()
                                                + "\n</tool_response>");
                        case "assistant" -> text("assistant", withCalls(message));
                        case String role -> text(role, message.text());
                    });
        }
        if (!tools.isEmpty()) {
            describe(rewritten, description(tools), systemRole);
        }
        return rewritten;
    }

    private static void describe(
            List<Map<String, Object>> messages, String description, boolean systemRole) {
        var first = messages.getFirst();
        boolean hasSystem = "system".equals(first.get("role"));
        if (systemRole && !hasSystem) {
            messages.addFirst(text("system", description));
        } else {
            var joined =
                    hasSystem
                            ? first.get("content") + "\n\n" + description
                            : description + "\n\n" + first.get("content");
            messages.set(0, text(String.valueOf(first.get("role")), joined));
        }
    }

    private static String withCalls(Message message) {
        var text = new StringBuilder(message.text());
        for (var call : message.calls()) {
            if (!text.isEmpty()) {
                text.append('\n');
            }
            text.append("<tool_call>\n{\"name\": ")
                    .append(Message.json(call.name()))
                    .append(", \"arguments\": ")
                    .append(call.argumentsAsText())
                    .append("}\n</tool_call>");
        }
        return text.toString();
    }

    private static String description(List<Map<String, Object>> tools) {
        var text =
                new StringBuilder(
                        "These functions can be called, one JSON object each:\n<tools>\n");
        for (var tool : tools) {
            text.append(Message.json(tool)).append('\n');
        }
        return text.append("</tools>\nA call is written as\n<tool_call>\n")
                .append("{\"name\": \"<function>\", \"arguments\": {…}}\n</tool_call>\n")
                .append("and its result comes back between <tool_response> and </tool_response>.")
                .toString();
    }

    private static Map<String, Object> text(String role, String content) {
        var message = new LinkedHashMap<String, Object>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }
}
