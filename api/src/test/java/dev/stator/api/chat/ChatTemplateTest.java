package dev.stator.api.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.api.documents.Document;
import dev.stator.api.documents.Documents;
import dev.stator.api.documents.ReuseMode;
import dev.stator.engine.ModelInfo;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class ChatTemplateTest {
    private static final String CHATML =
            "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
                    + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    private static final String QWEN =
            """
            {%- if tools %}{{- '<|im_start|>system\\nTools:' }}{%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}
            {{- '\\n<tool_call>\\n{\\"name\\": …}\\n</tool_call><|im_end|>\\n' }}{%- endif %}
            {%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content }}
            {%- for call in m.tool_calls or [] %}{{- '\\n<tool_call>\\n{\\"name\\": \\"' + call.function.name + '\\", \\"arguments\\": ' }}
            {{- call.function.arguments | tojson }}{{- '}\\n</tool_call>' }}{%- endfor %}{{- '<|im_end|>\\n' }}{%- endfor %}
            {%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
            """;

    private static final CharTokenizer TOKENIZER =
            new CharTokenizer(List.of("<|im_end|>", "<|im_start|>"), Set.of(), Set.of(), false);

    private static ChatTemplate template(@Nullable String source) {
        return ChatTemplate.of(model(source), TOKENIZER);
    }

    private static ModelInfo model(@Nullable String source) {
        return new ModelInfo(
                "test",
                "llama",
                "",
                0,
                0,
                512,
                1002,
                8,
                Optional.empty(),
                "",
                Optional.ofNullable(source),
                true,
                false);
    }

    private static Map<String, Object> message(String role, Object content) {
        return new HashMap<>(Map.of("role", role, "content", content));
    }

    private static Map<String, Object> calling(@Nullable String content, String arguments) {
        var message = new HashMap<String, Object>();
        message.put("role", "assistant");
        if (content != null) {
            message.put("content", content);
        }
        message.put(
                "tool_calls",
                List.of(
                        Map.of(
                                "id",
                                "call_1",
                                "type",
                                "function",
                                "function",
                                Map.of("name", "add", "arguments", arguments))));
        return message;
    }

    private static final Map<String, Object> TOOL =
            Map.of("type", "function", "function", Map.of("name", "add"));

    private static Conversation conversation(
            List<Map<String, Object>> messages, List<Map<String, Object>> tools) {
        return new Conversation(
                messages, tools, new ToolChoice.Auto(), true, false, Map.of(), Documents.NONE);
    }

    private static String render(String source, List<Map<String, Object>> messages) {
        return template(source).render(conversation(messages, List.of()));
    }

    @Test
    void rendersWithTheModelsTemplate() {
        assertThat(render(CHATML, List.of(message("user", "Hi"))))
                .isEqualTo("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    }

    @Test
    void aModelWithoutATemplateGetsChatml() {
        assertThat(
                        template(null)
                                .render(conversation(List.of(message("user", " Hi\n")), List.of())))
                .isEqualTo("<|im_start|>user\n Hi\n<|im_end|>\n<|im_start|>assistant\n");
    }

    @Test
    void partsAreJoinedUnlessTheTemplateTakesThem() {
        var parts =
                List.of(Map.of("type", "text", "text", "a"), Map.of("type", "text", "text", "b"));
        assertThat(render(CHATML, List.of(message("user", parts))))
                .contains("user\na\nb<|im_end|>");
        var takesBoth =
                "{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endif %}{% endfor %}";
        assertThat(render(takesBoth, List.of(message("user", parts)))).isEqualTo("ab");
        var takesParts =
                "{% for m in messages %}{% for p in m.content %}[{{ p['text'] }}]{% endfor %}{% endfor %}";
        assertThat(render(takesParts, List.of(message("user", "x")))).isEqualTo("[x]");
    }

    @Test
    void argumentsBecomeWhatTheTemplateWants() {
        var messages = List.of(message("user", "1+2"), calling(null, "{\"a\":1,\"b\":\"x\"}"));
        assertThat(template(QWEN).render(conversation(messages, List.of(TOOL))))
                .contains("{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": \"x\"}}");
        var takesText =
                "{% for t in tools or [] %}{{ t | tojson }}{% endfor %}{% for m in messages %}{% for c in m.tool_calls or [] %}{{ '<' + c.function.arguments + '>' }}{% endfor %}{% endfor %}";
        assertThat(template(takesText).render(conversation(messages, List.of(TOOL))))
                .contains("<{\"a\":1,\"b\":\"x\"}>");
    }

    @Test
    void argumentsThatAreNoObjectStayText() {
        var messages = List.of(message("user", "x"), calling("", "not JSON"));
        assertThat(template(QWEN).render(conversation(messages, List.of(TOOL))))
                .contains("\"arguments\": \"not JSON\"");
    }

    @Test
    void aCallWithoutContentIsNoneWhereTheTemplateAsksForIt() {
        var asksForNone =
                "{% for t in tools or [] %}{{ t | tojson }}{% endfor %}{% for m in messages %}{% if m.content is none %}CALL {{ m.tool_calls[0].function.arguments | tojson }}{% else %}{{ m.content }}{% endif %}{% endfor %}";
        assertThat(
                        template(asksForNone)
                                .render(
                                        conversation(
                                                List.of(message("user", "x"), calling(null, "{}")),
                                                List.of(TOOL))))
                .endsWith("xCALL {}");
    }

    @Test
    void toolsThatTheTemplateDoesNotKnowAreDescribedAndWrittenAsText() {
        var text =
                template(CHATML)
                        .render(
                                conversation(
                                        List.of(
                                                message("system", "Be brief."),
                                                message("user", "1+2"),
                                                calling("Well:", "{\"a\":1}"),
                                                message("tool", "3")),
                                        List.of(TOOL)));
        assertThat(text)
                .startsWith("<|im_start|>system\nBe brief.\n\n")
                .contains("<tools>\n{")
                .contains(
                        "assistant\nWell:\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\":1}}\n</tool_call><|im_end|>")
                .contains("user\n<tool_response>\n3\n</tool_response><|im_end|>");
    }

    @Test
    void aPromptIsTheSameWhetherToolsMayBeCalledOrNot() {
        for (var source : List.of(QWEN, CHATML)) {
            var may = template(source).render(asked(new ToolChoice.Auto()));
            assertThat(may).contains("add");
            assertThat(template(source).render(asked(new ToolChoice.None()))).isEqualTo(may);
        }
    }

    private static Conversation asked(ToolChoice choice) {
        return new Conversation(
                List.of(message("user", "x")),
                List.of(TOOL),
                choice,
                true,
                false,
                Map.of(),
                Documents.NONE);
    }

    @Test
    void theTemplatesRefusalReachesTheClientWordForWord() {
        var refuses =
                "{% if messages[0].role == 'system' %}{{ raise_exception('No system here!') }}{% endif %}{{ messages[0].content }}";
        assertThatThrownBy(() -> render(refuses, List.of(message("system", "x"))))
                .isInstanceOf(ChatException.class)
                .hasMessage("No system here!");
    }

    @Test
    void aTemplateThatCannotBeReadIsNamed() {
        assertThatThrownBy(() -> template("{% for %}"))
                .isInstanceOf(ChatException.class)
                .hasMessageContaining("chat template of model test")
                .hasMessageContaining("line 1");
    }

    @Test
    void aTemplateThatFailsSaysWhere() {
        assertThatThrownBy(
                        () ->
                                render(
                                        "{{ messages[0].content }}\n{{ nothing.at.all }}",
                                        List.of(message("user", "x"))))
                .isInstanceOf(ChatException.class)
                .hasMessageContaining("line 2");
    }

    @Test
    void templateArgumentsReachTheTemplateButDoNotReplaceWhatIsIts() {
        var asked =
                new Conversation(
                        List.of(message("user", "x")),
                        List.of(),
                        new ToolChoice.Auto(),
                        false,
                        false,
                        Map.of("enable_thinking", false, "messages", List.of()),
                        Documents.NONE);
        assertThat(template("{{ messages | length }}{{ enable_thinking }}").render(asked))
                .isEqualTo("1False");
    }

    @Test
    void documentsStandWhereTheTemplatePutsThemOrElseBeforeTheQuestion() {
        var document =
                new Document(
                        Optional.of("7"),
                        "Bees",
                        "Bees hum.",
                        Map.of("title", "Bees", "text", "Bees hum."));
        var documents = Documents.of(List.of(document), ReuseMode.EXACT, true);
        for (Object content :
                List.of("Do they?", List.of(Map.of("type", "text", "text", "Do they?")))) {
            var asked =
                    new Conversation(
                            List.of(message("system", "S"), message("user", content)),
                            List.of(),
                            new ToolChoice.Auto(),
                            false,
                            false,
                            Map.of(),
                            documents);
            assertThat(template(CHATML).render(asked))
                    .contains("user\n[doc 7] Bees\nBees hum.\nDo they?<|im_end|>");
            assertThat(
                            template(
                                            "{% for d in documents %}<{{ d.title }}: {{ d.text }}>{% endfor %}"
                                                    + "{{ messages[-1].content }}")
                                    .render(asked))
                    .isEqualTo("<Bees: Bees hum.>Do they?");
        }
    }

    @Test
    void theLastMessageCanBeContinued() {
        var asked =
                new Conversation(
                        List.of(message("user", "x"), message("assistant", "The sum is ")),
                        List.of(),
                        new ToolChoice.Auto(),
                        false,
                        true,
                        Map.of(),
                        Documents.NONE);
        assertThat(template(CHATML).render(asked)).endsWith("<|im_start|>assistant\nThe sum is ");
        assertThat(template(CHATML.replace("m.content", "m.content | trim")).render(asked))
                .endsWith("<|im_start|>assistant\nThe sum is");
        assertThatThrownBy(() -> template("{{ messages[0].content }}").render(asked))
                .isInstanceOf(ChatException.class)
                .hasMessageContaining("continue_final_message");
    }

    @Test
    void whatIsNoMessageIsRefusedWithItsPlace() {
        var image = List.of(Map.of("type", "image_url", "image_url", "x"));
        check(List.of(), "messages must hold");
        check(List.of(Map.of("content", "x")), "messages[0].role");
        check(List.of(message("user", 7)), "messages[0].content must be");
        check(
                List.of(message("user", "a"), message("user", image)),
                "messages[1].content[0]: parts of type \"image_url\"");
        check(
                List.of(message("user", List.of(Map.of("type", "text")))),
                "messages[0].content[0].text must be");
        check(
                List.of(Map.of("role", "assistant", "tool_calls", 1)),
                "messages[0].tool_calls must be");
        check(
                List.of(Map.of("role", "assistant", "tool_calls", List.of(Map.of()))),
                "messages[0].tool_calls[0] must be");
        assertThatThrownBy(
                        () ->
                                template(CHATML)
                                        .render(
                                                new Conversation(
                                                        List.of(message("user", "x")),
                                                        List.of(),
                                                        new ToolChoice.Auto(),
                                                        true,
                                                        true,
                                                        Map.of(),
                                                        Documents.NONE)))
                .isInstanceOf(ChatException.class)
                .hasMessageContaining("exclude each other");
    }

    private static void check(List<Map<String, Object>> messages, String problem) {
        assertThatThrownBy(() -> render(CHATML, messages))
                .isInstanceOf(ChatException.class)
                .hasMessageContaining(problem);
    }

    @Test
    void findsTheToolFormatInTheTemplate() {
        assertThat(ToolFormat.of(QWEN)).isEqualTo(ToolFormat.HERMES);
        assertThat(ToolFormat.of("…[TOOL_CALLS] [' …")).isEqualTo(ToolFormat.MISTRAL);
        assertThat(ToolFormat.of("…[TOOL_CALLS]' + name + '[ARGS]…"))
                .isEqualTo(ToolFormat.MISTRAL_ARGS);
        assertThat(ToolFormat.of("{{- '\"parameters\": ' }}")).isEqualTo(ToolFormat.LLAMA3_JSON);
        assertThat(ToolFormat.of("<tool_call>\n<function=x>")).isEqualTo(ToolFormat.NONE);
    }
}
