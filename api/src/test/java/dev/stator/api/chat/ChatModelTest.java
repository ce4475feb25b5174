package dev.stator.api.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.stator.api.documents.Documents;
import dev.stator.engine.ModelInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.json.JsonMapper;

/** The demonstration model, and others that have its weights and another template. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ChatModelTest {
    private static final JsonMapper JSON = JsonMapper.shared();

    private static final Map<String, Object> PARAMETERS =
            Map.of(
                    "type", "object",
                    "properties",
                            Map.of(
                                    "unit", Map.of("enum", List.of("C", "F")),
                                    "days", Map.of("type", "integer", "minimum", 1, "maximum", 14)),
                    "required", List.of("unit", "days"));

    private static final Map<String, Object> WEATHER = tool("weather", PARAMETERS);
    private static final Map<String, Object> CLOCK =
            tool("clock", Map.of("additionalProperties", false));

    private static final String TOOLS_IN_TEMPLATE =
            "{% for t in tools or [] %}{{ t | tojson }}{% endfor %}{% for m in messages %}{{ m.content }}{% endfor %}";

    private DemoEngine demo;
    private ChatModel chat;

    @BeforeAll
    void load() {
        demo = new DemoEngine();
        chat = ChatModel.of(demo.engine().model(), demo.tokenizer());
    }

    @AfterAll
    void close() {
        demo.close();
    }

    private static Map<String, Object> tool(String name, Map<String, Object> parameters) {
        return Map.of(
                "type", "function", "function", Map.of("name", name, "parameters", parameters));
    }

    private ChatModel with(String template) {
        var model = demo.engine().model();
        return ChatModel.of(
                new ModelInfo(
                        model.name(),
                        model.architecture(),
                        model.description(),
                        model.parameters(),
                        model.bytes(),
                        model.contextTokens(),
                        model.vocabularySize(),
                        model.embeddingLength(),
                        model.kv(),
                        model.fingerprint(),
                        Optional.of(template),
                        true,
                        false),
                demo.tokenizer());
    }

    private static Conversation conversation(
            ToolChoice choice, List<Map<String, Object>> tools, String... contents) {
        var messages = new ArrayList<Map<String, Object>>();
        for (int i = 0; i < contents.length; i++) {
            messages.add(Map.of("role", i % 2 == 0 ? "user" : "assistant", "content", contents[i]));
        }
        return new Conversation(messages, tools, choice, true, false, Map.of(), Documents.NONE);
    }

    @Test
    void thePromptIsTheTokensOfItsText() {
        var prompt = chat.prompt(conversation(new ToolChoice.Auto(), List.of(), "Hi"), "");
        assertThat(prompt.text())
                .isEqualTo("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
        assertThat(prompt.tokens()).isEqualTo(demo.tokenizer().encode(prompt.text(), true, true));
        assertThat(prompt.reusedTokens()).isZero();
    }

    @Test
    void theNextTurnBeginsWithTheGeneratedTokens() {
        var question =
                "[doc 1] Old Heron Cafe\nA ticket costs 174 dollars.\nQuestion: What does a ticket cost?";
        var first = chat.prompt(conversation(new ToolChoice.Auto(), List.of(), question), "s");
        // A model may well cut words as its tokenizer would not.
        var answer = "It costs 174 dollars.";
        int[] letters =
                answer.chars()
                        .flatMap(
                                c ->
                                        IntStream.of(
                                                demo.tokenizer()
                                                        .encode(
                                                                Character.toString(c),
                                                                false,
                                                                false)))
                        .toArray();
        assertThat(letters).isNotEqualTo(demo.tokenizer().encode(answer, false, true));
        int[] generated =
                IntStream.concat(
                                IntStream.of(letters),
                                IntStream.of(demo.tokenizer().eos().orElseThrow()))
                        .toArray();
        chat.remember(first, answer, generated, "s");
        var next =
                chat.prompt(
                        conversation(new ToolChoice.Auto(), List.of(), question, answer, "And?"),
                        "s");
        assertThat(next.tokens())
                .startsWith(
                        IntStream.concat(IntStream.of(first.tokens()), IntStream.of(generated))
                                .toArray());
        assertThat(demo.tokenizer().decode(next.tokens(), true)).isEqualTo(next.text());
        assertThat(next.reusedTokens()).isGreaterThan(first.tokens().length + generated.length - 5);
    }

    @Test
    void theBosTokenIsThereOnceWhoeverWritesIt() {
        var tokenizer = new CharTokenizer(List.of("<e>", "<s>"), Set.of(), Set.of(), false);
        // Byte 1 is this tokenizer's BOS.
        for (var template :
                List.of("{{ messages[0].content }}", "{{ bos_token }}{{ messages[0].content }}")) {
            var model = ChatModel.of(info(template), tokenizer);
            assertThat(
                            model.prompt(conversation(new ToolChoice.Auto(), List.of(), "hi"), "")
                                    .tokens())
                    .startsWith(1)
                    .doesNotHaveDuplicates();
        }
    }

    @Test
    void whereNoToolMayBeCalledTheTokenThatBeginsACallIsWithheld() {
        var tokenizer = new CharTokenizer(List.of("<e>", "<tool_call>"), Set.of(), Set.of(), false);
        var model = ChatModel.of(info(TOOLS_IN_TEMPLATE + "{# <tool_call> #}"), tokenizer);
        int call = tokenizer.encode("<tool_call>", false, true)[0];

        assertThat(model.withheld(conversation(new ToolChoice.None(), List.of(WEATHER), "x")))
                .hasValue(call);
        assertThat(model.withheld(conversation(new ToolChoice.Auto(), List.of(WEATHER), "x")))
                .isEmpty();
        assertThat(model.withheld(conversation(new ToolChoice.None(), List.of(), "x"))).isEmpty();
    }

    private static ModelInfo info(String template) {
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
                Optional.of(template),
                true,
                false);
    }

    @Test
    void aRequiredCallIsOneOfTheToolsWithArgumentsOfItsSchema() {
        for (var model :
                List.of(
                        chat,
                        with(TOOLS_IN_TEMPLATE + "{# <tool_call> #}"),
                        with(TOOLS_IN_TEMPLATE + "{# <|python_tag|> #}"),
                        with(TOOLS_IN_TEMPLATE + "{# [TOOL_CALLS] #}"),
                        with(TOOLS_IN_TEMPLATE + "{# [TOOL_CALLS] [ARGS] #}"))) {
            checkCalls(model, new ToolChoice.Named("weather"), 1);
        }
        checkCalls(chat, new ToolChoice.Required(), 8);
    }

    private void checkCalls(ChatModel model, ToolChoice choice, int most) {
        var asked = conversation(choice, List.of(WEATHER, CLOCK), "What is it like?");
        var prompt = model.prompt(asked, "");
        var grammar = model.grammar(asked, prompt).orElseThrow();
        int ended = 0;
        for (int seed = 0; seed < 2; seed++) {
            var answer = demo.answer(prompt.tokens(), grammar, seed, 200);
            if (!answer.ended()) {
                continue;
            }
            ended++;
            var parser = model.parser(asked, prompt);
            var parts = new ArrayList<>(parser.accept(answer.text()));
            parts.addAll(parser.finish());
            assertThat(parts).as(answer.text()).isNotEmpty().hasSizeLessThanOrEqualTo(2 * most);
            for (int i = 0; i < parts.size(); i += 2) {
                checkCall(choice, parts.get(i), parts.get(i + 1));
            }
        }
        assertThat(ended).as("answers that ended, of %s", model.toolFormat()).isPositive();
    }

    private static void checkCall(ToolChoice choice, AnswerPart start, AnswerPart arguments) {
        var name = ((AnswerPart.ToolCallStart) start).name();
        assertThat(name)
                .isIn(
                        choice instanceof ToolChoice.Named
                                ? List.of("weather")
                                : List.of("weather", "clock"));
        if (name.equals("weather")) {
            var judge =
                    SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                            .getSchema(JSON.writeValueAsString(PARAMETERS));
            assertThat(
                            judge.validate(
                                    JSON.readTree(
                                            ((AnswerPart.ToolCallArguments) arguments).delta())))
                    .isEmpty();
        }
    }

    @Test
    void aFreeAnswerHasNoGrammar() {
        var asked = conversation(new ToolChoice.Auto(), List.of(WEATHER), "x");
        assertThat(chat.grammar(asked, chat.prompt(asked, ""))).isEmpty();
        var none = conversation(new ToolChoice.None(), List.of(WEATHER), "x");
        assertThat(chat.grammar(none, chat.prompt(none, ""))).isEmpty();
    }

    @Test
    void callsAreReadOnlyWhenThereAreToolsToCall() {
        var call = "<tool_call>{\"name\":\"weather\"}</tool_call>";
        for (var asked :
                List.of(
                        conversation(new ToolChoice.Auto(), List.of(), "x"),
                        conversation(new ToolChoice.None(), List.of(WEATHER), "x"))) {
            assertThat(chat.parser(asked, chat.prompt(asked, "")).accept(call))
                    .containsExactly(new AnswerPart.Text(call));
        }
        var asked = conversation(new ToolChoice.Auto(), List.of(WEATHER), "x");
        assertThat(chat.parser(asked, chat.prompt(asked, "")).accept(call)).hasSize(2);
    }

    @Test
    void wrongToolsAreRefusedWithTheirPlace() {
        check(new ToolChoice.Named("x"), List.of(WEATHER), "names the function \"x\"");
        check(new ToolChoice.Required(), List.of(), "there are no tools");
        check(
                new ToolChoice.Required(),
                List.of(Map.of("type", "function")),
                "tools[0].function.name");
        check(
                new ToolChoice.Required(),
                List.of(CLOCK, tool("a", Map.of("not", Map.of()))),
                "tools[1].function.parameters: schema at #: \"not\" is not supported");
        var unknown = with(TOOLS_IN_TEMPLATE + "{# <tool_call><function= #}");
        assertThat(unknown.toolFormat()).isEqualTo(ToolFormat.NONE);
        var asked = conversation(new ToolChoice.Required(), List.of(WEATHER), "x");
        assertThatThrownBy(() -> unknown.grammar(asked, unknown.prompt(asked, "")))
                .isInstanceOf(ChatException.class)
                .hasMessageContaining("cannot be enforced");
    }

    private void check(ToolChoice choice, List<Map<String, Object>> tools, String problem) {
        var asked = conversation(choice, tools, "x");
        var prompt = new Prompt("", new int[0], 0, List.of(), Seams.NONE);
        assertThatThrownBy(() -> chat.grammar(asked, prompt))
                .isInstanceOf(ChatException.class)
                .hasMessageContaining(problem);
    }

    @Test
    void aGrammarWaitsForTheEndOfReasoningThatThePromptHasOpened() {
        var thinker =
                with(
                        "{{ messages[0].content }}{% if add_generation_prompt %}<think>\n{% endif %}{# </think> #}");
        var asked = conversation(new ToolChoice.Auto(), List.of(), "x");
        var prompt = thinker.prompt(asked, "");
        var grammar = thinker.afterReasoning(JsonSchemaGrammar.anyObject(), prompt);
        demo.accept(grammar);
        assertThat(
                        thinker.afterReasoning(
                                "root ::= \"a\"",
                                new Prompt("x", new int[0], 0, List.of(), Seams.NONE)))
                .isEqualTo("root ::= \"a\"");
        var parser = thinker.parser(asked, prompt);
        assertThat(parser.accept("so</think>\n\n{}"))
                .containsExactly(new AnswerPart.Reasoning("so"), new AnswerPart.Text("{}"));
        var brief = thinker.afterReasoning("root ::= \"{}\"\n", prompt);
        var answer = demo.answer(prompt.tokens(), brief, 1, 60);
        if (answer.ended()) {
            assertThat(answer.text()).endsWith("{}").contains("</think>");
        }
    }
}
