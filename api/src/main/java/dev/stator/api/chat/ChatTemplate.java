package dev.stator.api.chat;

import dev.stator.api.documents.Document;
import dev.stator.api.documents.Documents;
import dev.stator.engine.ModelInfo;
import dev.stator.engine.Tokenizer;
import dev.stator.jinja.Template;
import dev.stator.jinja.TemplateException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The model's own chat template, given what transformers would give it, in the shapes that this
 * template understands. Thread-safe.
 */
final class ChatTemplate {
    /** For models that bring no template: ChatML, which most chat models have at least seen. */
    static final String CHATML =
            """
            {%- for message in messages -%}
            {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}
            {%- endfor -%}
            {%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' -}}{% endif -%}
            """;

    private static final Logger LOG = LoggerFactory.getLogger(ChatTemplate.class);

    private final String source;
    private final Template template;
    private final String bos;
    private final String eos;
    private final TemplateTraits traits;

    private ChatTemplate(String source, Template template, String bos, String eos) {
        this.source = source;
        this.template = template;
        this.bos = bos;
        this.eos = eos;
        this.traits =
                TemplateTraits.probe(
                        (messages, tools, documents) -> {
                            var variables = new LinkedHashMap<String, @Nullable Object>();
                            variables.put("messages", messages);
                            variables.put("tools", tools.isEmpty() ? null : tools);
                            variables.put("documents", documents.isEmpty() ? null : documents);
                            variables.put("add_generation_prompt", true);
                            return render(variables);
                        });
    }

    /**
     * @throws ChatException if the template cannot be read; says what to do
     */
    static ChatTemplate of(ModelInfo model, Tokenizer tokenizer) {
        if (model.chatTemplate().isEmpty()) {
            LOG.warn(
                    "model {} brings no chat template; conversations are written as ChatML, which it"
                            + " may not have learnt: use completions, or a file with a template",
                    model.name());
        }
        var source = model.chatTemplate().orElse(CHATML);
        try {
            return new ChatTemplate(
                    source,
                    Template.parse(source),
                    text(tokenizer, tokenizer.bos()),
                    text(tokenizer, tokenizer.eos()));
        } catch (TemplateException e) {
            throw new ChatException(
                    "the chat template of model %s cannot be read: %s; correct tokenizer.chat_template in the file"
                            .formatted(model.name(), e.getMessage()),
                    e);
        }
    }

    private static String text(Tokenizer tokenizer, OptionalInt token) {
        return token.isPresent() ? tokenizer.decode(new int[] {token.getAsInt()}, true) : "";
    }

    TemplateTraits traits() {
        return traits;
    }

    String source() {
        return source;
    }

    /** The text of the BOS token; empty if the model has none. */
    String bos() {
        return bos;
    }

    /**
     * @throws ChatException if a message is not one, or if the template refuses, in its own words
     */
    String render(Conversation conversation) {
        if (conversation.addGenerationPrompt() && conversation.continueFinalMessage()) {
            throw new ChatException(
                    "add_generation_prompt and continue_final_message exclude each other; set one to false");
        }
        var messages =
                Message.all(withDocuments(conversation.messages(), conversation.documents()));
        // Also if none may be called: a prompt without them would begin otherwise than the
        // conversation did, and nothing of it would be reused.
        var tools = conversation.tools();
        var variables =
                new LinkedHashMap<String, @Nullable Object>(conversation.templateArguments());
        variables.put(
                "messages",
                traits.tools()
                        ? messages.stream().map(this::shaped).toList()
                        : withoutTools(messages, tools));
        variables.put("tools", tools.isEmpty() || !traits.tools() ? null : tools);
        variables.put("add_generation_prompt", conversation.addGenerationPrompt());
        if (!conversation.documents().isEmpty()) {
            variables.put(
                    "documents",
                    conversation.documents().written().stream().map(Document::source).toList());
        }
        try {
            var text = render(variables);
            return conversation.continueFinalMessage() ? cut(text, messages.getLast()) : text;
        } catch (TemplateException e) {
            throw new ChatException(
                    e.raised()
                            ? e.getMessage()
                            : "the model's chat template fails on this conversation: "
                                    + e.getMessage(),
                    e);
        }
    }

    /** Puts what the template does not write itself before the first user's message. */
    private List<Map<String, Object>> withDocuments(
            List<Map<String, Object>> messages, Documents documents) {
        var text = (traits.documents() ? "" : documents.text()) + documents.note();
        if (text.isEmpty()) {
            return messages;
        }
        var with = new ArrayList<>(messages);
        for (int i = 0; i < with.size(); i++) {
            if ("user".equals(with.get(i).get("role"))) {
                with.set(i, prefixed(text, with.get(i)));
                return with;
            }
        }
        throw new ChatException("documents need a user's message to stand before");
    }

    private static Map<String, Object> prefixed(String text, Map<String, Object> message) {
        var prefixed = new LinkedHashMap<>(message);
        prefixed.compute(
                "content",
                (_, content) -> {
                    if (content instanceof List<?> parts) {
                        var with = new ArrayList<Object>(parts);
                        // Parts are joined by line breaks.
                        with.addFirst(Map.of("type", "text", "text", text.stripTrailing()));
                        return with;
                    }
                    return content instanceof String before ? text + before : content;
                });
        return prefixed;
    }

    private String render(Map<String, @Nullable Object> variables) {
        variables.putIfAbsent("documents", null);
        variables.put("bos_token", bos);
        variables.put("eos_token", eos);
        return template.render(variables);
    }

    private List<Map<String, @Nullable Object>> withoutTools(
            List<Message> messages, List<Map<String, Object>> tools) {
        boolean calls =
                messages.stream().anyMatch(m -> m.role().equals("tool") || !m.calls().isEmpty());
        if (tools.isEmpty() && !calls) {
            return messages.stream().map(this::shaped).toList();
        }
        return Message.all(ToolPrompt.rewrite(messages, tools, traits.system())).stream()
                .map(this::shaped)
                .toList();
    }

    private Map<String, @Nullable Object> shaped(Message message) {
        var shaped = new LinkedHashMap<String, @Nullable Object>(message.fields());
        var role = message.role();
        // OpenAI's newer name of the same thing.
        shaped.put(
                "role",
                role.equals("developer") && !source.contains("developer") ? "system" : role);
        shaped.put("content", content(message));
        var calls = message.calls();
        if (calls.isEmpty()) {
            // Templates test for the key, so an empty list would look like a call.
            shaped.remove("tool_calls");
        } else {
            shaped.put("tool_calls", calls.stream().map(this::shaped).toList());
        }
        return shaped;
    }

    private @Nullable Object content(Message message) {
        if (!message.hasContent() || (message.text().isEmpty() && !message.calls().isEmpty())) {
            return message.calls().isEmpty() || !traits.nullContent() ? "" : null;
        }
        if (!traits.textContent() || (message.contentIsParts() && traits.partContent())) {
            return message.parts();
        }
        return message.text();
    }

    private Map<String, @Nullable Object> shaped(Message.Call call) {
        var function = new LinkedHashMap<String, @Nullable Object>();
        call.function().forEach((key, value) -> function.put(String.valueOf(key), value));
        function.put(
                "arguments",
                traits.objectArguments() ? call.argumentsAsObject() : call.argumentsAsText());
        var shaped = new LinkedHashMap<String, @Nullable Object>();
        call.fields().forEach((key, value) -> shaped.put(String.valueOf(key), value));
        shaped.put("function", function);
        return shaped;
    }

    /** The prompt up to the end of the last message's text, without what closes its turn. */
    private static String cut(String text, Message last) {
        var content = last.text();
        int at = text.lastIndexOf(content.strip());
        if (content.isBlank() || at < 0) {
            throw new ChatException(
                    "continue_final_message: the model's chat template does not show the last message's text as it is, so it cannot be continued");
        }
        int begin = at - (content.length() - content.stripLeading().length());
        if (begin >= 0 && text.startsWith(content, begin)) {
            return text.substring(0, begin + content.length());
        }
        return text.substring(0, at + content.strip().length());
    }
}
