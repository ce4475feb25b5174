package dev.stator.api;

import dev.stator.api.answers.AnswerMode;
import dev.stator.api.chat.ChatException;
import dev.stator.api.chat.Conversation;
import dev.stator.api.chat.JsonSchemaGrammar;
import dev.stator.api.chat.ToolChoice;
import dev.stator.api.documents.ReuseMode;
import dev.stator.engine.ModelInfo;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import tools.jackson.databind.node.ObjectNode;

/**
 * A validated body of {@code /v1/chat/completions}.
 *
 * @param format a grammar for the answer's content, from {@code response_format}
 * @param maxTokens the longest answer, if limited
 * @param marks up to where the prompt is to stay in the host tier
 * @param answers which kept answers it may be given, if it says so
 */
record ChatRequest(
        Optional<String> model,
        Conversation conversation,
        Decoding decoding,
        Optional<String> format,
        OptionalInt maxTokens,
        List<CacheMark> marks,
        Optional<AnswerMode> answers) {
    static final int MAX_TOP_LOGPROBS = 20;

    /**
     * @param usual the reuse mode if the request does not say one
     * @throws ApiException naming what is wrong
     */
    static ChatRequest of(ObjectNode body, ModelInfo model, ReuseMode usual) {
        var fields = Fields.of(body);
        refuseUnsupported(fields);
        var decoding = Decoding.of(fields, logprobs(fields), model);
        var conversation = conversation(fields, usual);
        var format = format(fields);
        if (format.isPresent() && callsTools(conversation)) {
            throw fields.wrong(
                    "response_format",
                    "`response_format` cannot be combined with `tools`: the format would forbid the"
                            + " calls. Set `tool_choice` to \"none\" or leave one of them out.");
        }
        var newer = fields.integer("max_completion_tokens", 1, Integer.MAX_VALUE);
        var older = fields.integer("max_tokens", 1, Integer.MAX_VALUE);
        return new ChatRequest(
                fields.string("model"),
                conversation,
                decoding,
                format,
                newer.isPresent() ? newer : older,
                CacheMark.of(fields),
                answers(fields));
    }

    static Optional<AnswerMode> answers(Fields fields) {
        return fields.choice("answer_cache", AnswerMode.labels(), AnswerMode::of);
    }

    private static boolean callsTools(Conversation conversation) {
        return !conversation.tools().isEmpty()
                && !(conversation.toolChoice() instanceof ToolChoice.None);
    }

    private static void refuseUnsupported(Fields fields) {
        for (var old : List.of("functions", "function_call")) {
            if (fields.value(old).isPresent()) {
                throw fields.wrong(
                        old,
                        "`%s` is not supported; use `tools` and `tool_choice`.".formatted(old));
            }
        }
        if (fields.strings("modalities").contains("audio")) {
            throw fields.wrong("modalities", "The model answers with text only, not with audio.");
        }
    }

    private static OptionalInt logprobs(Fields fields) {
        var top = fields.integer("top_logprobs", 0, MAX_TOP_LOGPROBS);
        if (fields.flag("logprobs", false)) {
            return OptionalInt.of(top.orElse(0));
        }
        if (top.orElse(0) > 0) {
            throw fields.wrong("top_logprobs", "`top_logprobs` needs `logprobs` to be true.");
        }
        return OptionalInt.empty();
    }

    static Conversation conversation(Fields fields, ReuseMode usual) {
        var messages = Messages.of(fields);
        var tools = tools(fields);
        boolean continues = fields.flag("continue_final_message", false);
        boolean prompts = fields.flag("add_generation_prompt", !continues);
        if (continues && prompts) {
            throw fields.wrong(
                    "continue_final_message",
                    "`continue_final_message` and `add_generation_prompt` exclude each other.");
        }
        return new Conversation(
                messages,
                tools,
                toolChoice(fields, tools),
                prompts,
                continues,
                templateArguments(fields),
                DocumentFields.of(fields, usual));
    }

    static Map<String, Object> templateArguments(Fields fields) {
        var arguments = new HashMap<String, Object>();
        fields.string("reasoning_effort")
                .ifPresent(effort -> arguments.put("reasoning_effort", effort));
        fields.object("chat_template_kwargs")
                .ifPresent(object -> arguments.putAll(Json.map(object.object())));
        return arguments;
    }

    private static List<Map<String, Object>> tools(Fields fields) {
        var names = new HashSet<String>();
        for (var tool : fields.objects("tools")) {
            tool.need(
                    tool.choice("type", List.of("function"), name -> name),
                    "type",
                    "A tool needs `type`: \"function\".");
            var function =
                    tool.object("function")
                            .orElseThrow(
                                    () -> tool.wrong("function", "A tool needs a `function`."));
            var name = functionName(function);
            if (!names.add(name)) {
                throw function.wrong("name", "Two tools have the name \"%s\".".formatted(name));
            }
            function.string("description");
            function.object("parameters");
            function.flag("strict", false);
        }
        return fields.array("tools").map(Json::objects).orElse(List.of());
    }

    static String functionName(Fields function) {
        var name =
                function.string("name")
                        .orElseThrow(() -> function.wrong("name", "A function needs a `name`."));
        if (!name.matches("[a-zA-Z0-9_.-]{1,64}")) {
            throw function.wrong(
                    "name",
                    "A function's name must be 1 to 64 letters, digits, dots, underscores or"
                            + " dashes.");
        }
        return name;
    }

    private static ToolChoice toolChoice(Fields fields, List<Map<String, Object>> tools) {
        var given = fields.value("tool_choice");
        if (given.isEmpty()) {
            return tools.isEmpty() ? new ToolChoice.None() : new ToolChoice.Auto();
        }
        ToolChoice choice = given.get().isString() ? byWord(fields) : byName(fields);
        boolean calls = choice instanceof ToolChoice.Required || choice instanceof ToolChoice.Named;
        if (calls && tools.isEmpty()) {
            throw fields.wrong(
                    "tool_choice", "`tool_choice` asks for a call, but `tools` is empty.");
        }
        if (choice instanceof ToolChoice.Named(var name)
                && tools.stream()
                        .noneMatch(
                                tool ->
                                        tool.get("function") instanceof Map<?, ?> function
                                                && name.equals(function.get("name")))) {
            throw fields.wrong(
                    "tool_choice", "`tool_choice` names \"%s\", which is no tool.".formatted(name));
        }
        return choice;
    }

    private static ToolChoice byWord(Fields fields) {
        return fields.choice(
                        "tool_choice",
                        List.of("none", "auto", "required"),
                        word ->
                                switch (word) {
                                    case "none" -> new ToolChoice.None();
                                    case "auto" -> new ToolChoice.Auto();
                                    default -> (ToolChoice) new ToolChoice.Required();
                                })
                .orElseThrow();
    }

    private static ToolChoice byName(Fields fields) {
        var choice = fields.object("tool_choice").orElseThrow();
        choice.need(
                choice.choice("type", List.of("function"), name -> name),
                "type",
                "`tool_choice` needs `type`: \"function\".");
        return choice.object("function")
                .flatMap(function -> function.string("name"))
                .map(ToolChoice.Named::new)
                .orElseThrow(
                        () -> choice.wrong("function", "`tool_choice` needs a `function.name`."));
    }

    private static Optional<String> format(Fields fields) {
        var given = fields.object("response_format");
        if (given.isEmpty()) {
            return Optional.empty();
        }
        var format = given.get();
        var type =
                format.choice("type", List.of("text", "json_object", "json_schema"), name -> name)
                        .orElseThrow(
                                () -> format.wrong("type", "`response_format` needs a `type`."));
        return switch (type) {
            case "text" -> Optional.empty();
            case "json_object" -> Optional.of(JsonSchemaGrammar.anyObject());
            default -> Optional.of(schemaGrammar(format));
        };
    }

    private static String schemaGrammar(Fields format) {
        var wrapper =
                format.object("json_schema")
                        .orElseThrow(
                                () ->
                                        format.wrong(
                                                "json_schema",
                                                "A `json_schema` format needs `json_schema`."));
        var schema =
                wrapper.value("schema")
                        .orElseThrow(
                                () -> wrapper.wrong("schema", "`json_schema` needs a `schema`."));
        if (!schema.isObject() && !schema.isBoolean()) {
            throw wrapper.type("schema", "a JSON Schema object", schema);
        }
        try {
            return JsonSchemaGrammar.of(schema);
        } catch (ChatException e) {
            throw wrapper.wrong("schema", e.getMessage());
        }
    }
}
