package dev.stator.api;

import dev.stator.api.documents.Documents;
import dev.stator.api.documents.ReuseMode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * {@code system} and {@code messages} of Anthropic's API, written as OpenAI's clients would: blocks
 * of text become a message's content, uses of tools its calls, results messages of their own, and
 * document blocks the request's documents.
 */
final class AnthropicMessages {
    private static final String CONTENT = "content";

    private final List<Map<String, Object>> written = new ArrayList<>();
    private final List<CacheMark> marks = new ArrayList<>();
    private final Documents documents;

    /** Names of the tools that were used, by the ids of their uses. */
    private final Map<String, String> uses = new HashMap<>();

    /**
     * @throws ApiException naming what is wrong
     */
    private AnthropicMessages(Fields fields, ReuseMode usual) {
        fields.objects("tools").forEach(tool -> CacheMark.read(tool, -1, marks));
        system(fields);
        var messages = fields.objects("messages");
        if (messages.isEmpty()) {
            throw fields.wrong("messages", "`messages` must hold at least one message.");
        }
        var blocks = new AnthropicDocuments(fields, usual);
        for (int i = 0; i < messages.size(); i++) {
            message(messages.get(i), blocks, i == messages.size() - 1);
        }
        CacheMark.read(fields, written.size() - 1, marks);
        CacheMark.checkNumber(fields, marks);
        this.documents = blocks.documents();
    }

    static AnthropicMessages of(Fields fields, ReuseMode usual) {
        return new AnthropicMessages(fields, usual);
    }

    List<Map<String, Object>> written() {
        return written;
    }

    List<CacheMark> marks() {
        return List.copyOf(marks);
    }

    Documents documents() {
        return documents;
    }

    /** Whether the client has begun the answer itself. */
    boolean endsWithAnswer() {
        return "assistant".equals(written.getLast().get("role"));
    }

    private void system(Fields fields) {
        var given = fields.value("system");
        if (given.isEmpty()) {
            return;
        }
        if (given.get().isString()) {
            add("system", List.of(given.get().stringValue()));
            return;
        }
        if (!given.get().isArray()) {
            throw fields.type("system", "a string or an array of text blocks", given.get());
        }
        var texts = new ArrayList<String>();
        for (var block : fields.objects("system")) {
            texts.add(text(block, "system"));
            CacheMark.read(block, 0, marks);
        }
        if (!texts.isEmpty()) {
            add("system", texts);
        }
    }

    private void message(Fields message, AnthropicDocuments blocks, boolean last) {
        var role =
                message.choice("role", List.of("user", "assistant", "system"), name -> name)
                        .orElseThrow(() -> message.wrong("role", "A message needs a `role`."));
        var content =
                message.value(CONTENT)
                        .orElseThrow(() -> message.wrong(CONTENT, "A message needs `content`."));
        if (content.isString()) {
            if (content.stringValue().isEmpty()) {
                throw message.wrong(CONTENT, "A message's `content` must not be empty.");
            }
            add(role, List.of(content.stringValue()));
            return;
        }
        if (!content.isArray()) {
            throw message.type(CONTENT, "a string or an array of blocks", content);
        }
        var sent = message.objects(CONTENT);
        if (sent.isEmpty()) {
            throw message.wrong(CONTENT, "A message's `content` must not be empty.");
        }
        switch (role) {
            case "user" -> user(sent, blocks);
            case "assistant" -> assistant(message, sent, last);
            default -> {
                add(role, sent.stream().map(block -> text(block, "system's")).toList());
                mark(sent);
            }
        }
    }

    /** Where the message ends that was just written. */
    private void mark(List<Fields> blocks) {
        blocks.forEach(block -> CacheMark.read(block, written.size() - 1, marks));
    }

    private void user(List<Fields> sent, AnthropicDocuments blocks) {
        var texts = new ArrayList<String>();
        for (var block : sent) {
            var type = type(block);
            switch (type) {
                case "text" -> texts.add(text(block, "user's"));
                case "document" -> blocks.add(block);
                case "tool_result" -> {
                    if (!texts.isEmpty()) {
                        add("user", texts);
                        texts.clear();
                    }
                    result(block);
                }
                default -> throw impossible(block, type, "user's");
            }
        }
        boolean results = sent.stream().anyMatch(block -> type(block).equals("tool_result"));
        if (!texts.isEmpty() || !results) {
            add("user", texts);
        }
        mark(sent);
    }

    private void assistant(Fields message, List<Fields> sent, boolean last) {
        var texts = new ArrayList<String>();
        var thoughts = new StringBuilder();
        var calls = new ArrayList<Map<String, Object>>();
        for (var block : sent) {
            var type = type(block);
            switch (type) {
                case "text" -> texts.add(text(block, "assistant's"));
                case "thinking" ->
                        thoughts.append(
                                block.string("thinking")
                                        .orElseThrow(
                                                () ->
                                                        block.wrong(
                                                                "thinking",
                                                                "A thinking block needs `thinking`.")));
                // Nobody here can read it, and models do well without earlier thoughts.
                case "redacted_thinking" -> {}
                case "tool_use" -> calls.add(use(block));
                default -> throw impossible(block, type, "assistant's");
            }
        }
        if (last && !calls.isEmpty()) {
            throw message.wrong(
                    CONTENT, "The last message uses a tool; its result must follow, as a user's.");
        }
        add("assistant", texts);
        var its = written.getLast();
        if (!calls.isEmpty()) {
            its.put("tool_calls", calls);
        }
        if (!thoughts.isEmpty()) {
            its.put("reasoning_content", thoughts.toString());
        }
        mark(sent);
    }

    private Map<String, Object> use(Fields block) {
        var id = needed(block, "id", "A tool_use block needs an `id`.");
        var name = needed(block, "name", "A tool_use block needs a `name`.");
        var input =
                block.object("input")
                        .orElseThrow(
                                () -> block.wrong("input", "A tool_use block needs an `input`."));
        uses.put(id, name);
        var function = new LinkedHashMap<String, Object>();
        function.put("name", name);
        function.put("arguments", input.object().toString());
        var call = new LinkedHashMap<String, Object>();
        call.put("id", id);
        call.put("type", "function");
        call.put("function", function);
        return call;
    }

    private void result(Fields block) {
        var id = needed(block, "tool_use_id", "A tool_result block needs a `tool_use_id`.");
        var name =
                Optional.ofNullable(uses.get(id))
                        .orElseThrow(
                                () ->
                                        block.wrong(
                                                "tool_use_id",
                                                "No tool_use block before has this id."));
        var message = new LinkedHashMap<String, Object>();
        message.put("role", "tool");
        message.put("tool_call_id", id);
        message.put("name", name);
        // There is no other place for it.
        var prefix = block.flag("is_error", false) ? "Error: " : "";
        message.put(CONTENT, prefix + resultText(block));
        written.add(message);
    }

    private static String resultText(Fields block) {
        var content = block.value(CONTENT);
        if (content.isEmpty()) {
            return "";
        }
        if (content.get().isString()) {
            return content.get().stringValue();
        }
        if (!content.get().isArray()) {
            throw block.type(CONTENT, "a string or an array of text blocks", content.get());
        }
        return String.join(
                "\n",
                block.objects(CONTENT).stream().map(part -> text(part, "tool_result's")).toList());
    }

    private static String needed(Fields block, String field, String message) {
        return block.string(field).orElseThrow(() -> block.wrong(field, message));
    }

    private static String type(Fields block) {
        return needed(block, "type", "A content block needs a `type`.");
    }

    private static String text(Fields block, String whose) {
        var type = type(block);
        if (!type.equals("text")) {
            throw impossible(block, type, whose);
        }
        return needed(block, "text", "A block of type \"text\" needs `text`.");
    }

    private static ApiException impossible(Fields block, String type, String whose) {
        return block.wrong(
                "type",
                switch (type) {
                    case "image", "video", "audio" ->
                            "The model reads text only; a block of type \"%s\" is not possible."
                                    .formatted(type);
                    default ->
                            "A block of type \"%s\" is not possible in a %s content."
                                    .formatted(type.length() > 60 ? "…" : type, whose);
                });
    }

    /** Messages of one role that follow each other are one. */
    private void add(String role, List<String> texts) {
        if (!written.isEmpty() && role.equals(written.getLast().get("role"))) {
            var its = written.getLast();
            var all = new ArrayList<Object>(parts(its.getOrDefault(CONTENT, "")));
            all.addAll(parts(content(texts)));
            its.put(CONTENT, all);
            return;
        }
        var message = new LinkedHashMap<String, Object>();
        message.put("role", role);
        message.put(CONTENT, content(texts));
        written.add(message);
    }

    private static Object content(List<String> texts) {
        return switch (texts.size()) {
            case 0 -> "";
            case 1 -> texts.getFirst();
            default -> texts.stream().map(AnthropicMessages::part).toList();
        };
    }

    private static List<?> parts(Object content) {
        return switch (content) {
            case String text when text.isEmpty() -> List.of();
            case String text -> List.of(part(text));
            case List<?> parts -> parts;
            default -> throw new IllegalStateException("content is a text or parts");
        };
    }

    private static Map<String, Object> part(String text) {
        return Map.of("type", "text", "text", text);
    }
}
