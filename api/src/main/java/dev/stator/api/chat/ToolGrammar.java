package dev.stator.api.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;

/** The grammar of an answer that has to call tools, in the model's own syntax. */
final class ToolGrammar {
    /** The most calls of one answer, lest a weak model never stops. */
    private static final int MAX_CALLS = 8;

    private static final ObjectMapper JSON = JsonMapper.shared();

    private final Grammar grammar = new Grammar();
    private final JsonGrammar json = new JsonGrammar(grammar);
    private final ToolFormat format;

    private ToolGrammar(ToolFormat format) {
        this.format = format;
    }

    /**
     * @param tools those that may be called
     * @param one whether there must be exactly one call
     */
    static String of(ToolFormat format, List<Map<String, Object>> tools, boolean one) {
        var made = new ToolGrammar(format);
        return made.grammar.write(made.answer(tools, one));
    }

    private Gbnf answer(List<Map<String, Object>> tools, boolean one) {
        var calls = new ArrayList<Gbnf>();
        for (int i = 0; i < tools.size(); i++) {
            calls.add(call(tools.get(i), "tools[" + i + "]"));
        }
        var call = grammar.rule("call", new Gbnf.Choice(calls));
        return switch (format) {
            case HERMES -> {
                var tagged =
                        grammar.rule(
                                "tagged",
                                Gbnf.sequence(
                                        Gbnf.text("<tool_call>\n"),
                                        call,
                                        Gbnf.text("\n</tool_call>")));
                yield more(tagged, Gbnf.text("\n"), one);
            }
            // Llama 3's template refuses more than one call.
            case LLAMA3_JSON -> call;
            case MISTRAL ->
                    Gbnf.sequence(
                            Gbnf.text("[TOOL_CALLS]"),
                            JsonGrammar.optional(Gbnf.text(" ")),
                            Gbnf.text("["),
                            more(call, Gbnf.text(", "), one),
                            Gbnf.text("]"));
            case MISTRAL_ARGS -> more(call, Gbnf.text(""), one);
            case NONE ->
                    throw new ChatException(
                            "tool_choice: this model writes tool calls in a syntax that cannot be enforced; use \"auto\"");
        };
    }

    private Gbnf more(Gbnf call, Gbnf separator, boolean one) {
        return one
                ? call
                : Gbnf.sequence(
                        call, grammar.repeat(Gbnf.sequence(separator, call), 0, MAX_CALLS - 1));
    }

    private Gbnf call(Map<String, Object> tool, String where) {
        var name = name(tool, where);
        var arguments = grammar.rule("arguments", arguments(tool, where));
        if (format == ToolFormat.MISTRAL_ARGS) {
            return Gbnf.sequence(Gbnf.text("[TOOL_CALLS]" + name + "[ARGS]"), arguments);
        }
        var key = format == ToolFormat.LLAMA3_JSON ? "parameters" : "arguments";
        return Gbnf.sequence(
                Gbnf.text("{\"name\": " + Message.json(name) + ", \"" + key + "\": "),
                arguments,
                Gbnf.text("}"));
    }

    static String name(Map<String, Object> tool, String where) {
        if (tool.get("function") instanceof Map<?, ?> function
                && function.get("name") instanceof String name
                && !name.isEmpty()) {
            return name;
        }
        throw new ChatException(where + ".function.name must be a text");
    }

    private Gbnf arguments(Map<String, Object> tool, String where) {
        var parameters =
                tool.get("function") instanceof Map<?, ?> function
                        ? function.get("parameters")
                        : null;
        if (parameters == null) {
            return json.object();
        }
        JsonNode schema = JSON.valueToTree(parameters);
        if (!schema.isObject()) {
            throw new ChatException(where + ".function.parameters must be a schema");
        }
        if (!schema.has("type")
                && !schema.has("$ref")
                && !schema.has("anyOf")
                && !schema.has("allOf")
                && !schema.has("oneOf")) {
            ((tools.jackson.databind.node.ObjectNode) schema).put("type", "object");
        }
        try {
            return new SchemaCompiler(schema, grammar, json).compile();
        } catch (ChatException e) {
            throw new ChatException(where + ".function.parameters: " + e.getMessage(), e);
        }
    }
}
