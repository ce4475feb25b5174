package dev.stator.api.chat;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class AnswerParserTest {
    private static final Set<String> TOOLS = Set.of("get_weather", "add");

    private static AnswerParser parser(ToolFormat format) {
        return new AnswerParser(format, TOOLS, false, false);
    }

    /**
     * An answer as one line: text as it is, thoughts as {@code ‹…›}, calls as {@code «name
     * arguments»}.
     */
    private static String read(AnswerParser parser, List<String> deltas) {
        var parts = new ArrayList<AnswerPart>();
        for (var delta : deltas) {
            parts.addAll(parser.accept(delta));
        }
        parts.addAll(parser.finish());
        var text = new StringBuilder();
        int calls = 0;
        for (var part : parts) {
            switch (part) {
                case AnswerPart.Text(var said) -> text.append(said);
                case AnswerPart.Reasoning(var thought) ->
                        text.append('‹').append(thought).append('›');
                case AnswerPart.ToolCallStart(int index, _, var name) -> {
                    assertThat(index).isEqualTo(calls++);
                    text.append('«').append(name).append(' ');
                }
                case AnswerPart.ToolCallArguments(int index, var delta) -> {
                    assertThat(index).isEqualTo(calls - 1);
                    text.append(delta).append('»');
                }
            }
        }
        return text.toString().replace("›‹", "");
    }

    private static List<String> cut(String text, Random random, int most) {
        var deltas = new ArrayList<String>();
        int at = 0;
        while (at < text.length()) {
            int end = Math.min(text.length(), at + 1 + random.nextInt(most));
            deltas.add(text.substring(at, end));
            at = end;
        }
        return deltas;
    }

    /** The same however it is cut. */
    private static void check(ToolFormat format, String answer, String expected) {
        var random = new Random(1);
        assertThat(read(parser(format), List.of(answer))).isEqualTo(expected);
        for (int most = 1; most < 20; most++) {
            assertThat(read(parser(format), cut(answer, random, most))).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "just text|just text",
                "<tool_call>~{\"name\": \"add\", \"arguments\": {\"a\": 1}}~</tool_call>|«add {\"a\": 1}»",
                "I look.~~<tool_call>{\"name\":\"add\",\"arguments\":{}}</tool_call>~|I look.«add {}»",
                "<tool_call>{\"name\":\"a\"}</tool_call>~<tool_call>{\"name\":\"b\",\"arguments\":{\"x\":[{}]}}</tool_call>|«a {}»«b {\"x\":[{}]}»",
                "<tool_call>{\"name\":\"a\",\"arguments\":{\"s\":\"</tool_call> } \\\" {\"}}</tool_call>|«a {\"s\":\"</tool_call> } \\\" {\"}»",
                "<tool_call>{\"name\":\"a\",\"arguments\":{}}|«a {}»",
                "<tool_call>{\"name\":\"a\",\"arguments\":{}} then|«a {}» then",
                "<tool_call>{\"arguments\":{},\"name\":\"a\",\"id\":7}</tool_call>|«a {}»",
                "<tool_call>{\"name\":\"a\",\"arguments\":\"{\\\"x\\\":1}\"}</tool_call>|«a {\"x\":1}»",
                "<tool_call>{\"name\":\"a\",\"arguments\":{\"n\":1.50e3}}</tool_call>|«a {\"n\":1.50e3}»",
                "a < b and <tool and <tool_call> nothing|a < b and <tool and <tool_call> nothing",
                "<tool_call>{\"name\": \"add\", \"arguments\": {\"a\": }}</tool_call> x|<tool_call>{\"name\": \"add\", \"arguments\": {\"a\": }}</tool_call> x",
                "<tool_call>{\"name\":\"a\",\"argu|<tool_call>{\"name\":\"a\",\"argu",
                "<tool_call>{\"nom\":\"a\"}</tool_call>|<tool_call>{\"nom\":\"a\"}</tool_call>",
                "<tool_call>{\"name\":\"a\",\"arguments\":[1]}</tool_call>|<tool_call>{\"name\":\"a\",\"arguments\":[1]}</tool_call>",
                "<tool_call>x<tool_call>{\"name\":\"a\"}</tool_call>|<tool_call>x«a {}»",
                "text~|text~",
                "<tool_ca|<tool_ca"
            })
    void hermes(String answer, String expected) {
        check(ToolFormat.HERMES, answer.replace('~', '\n'), expected.replace('~', '\n'));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"name\": \"add\", \"parameters\": {\"a\": 1}}|«add {\"a\": 1}»",
                "~{\"name\": \"add\", \"parameters\": {}}; {\"name\": \"add\", \"parameters\": {\"b\":2}}|«add {}»«add {\"b\":2}»",
                "{\"name\": \"add\", \"parameters\": {}}; then {}|«add {}»; then {}",
                "{\"name\": \"add\", \"parameters\": {}}; {\"x\": 1}|«add {}»; {\"x\": 1}",
                "{\"name\": \"Bob\", \"parameters\": {}}|{\"name\": \"Bob\", \"parameters\": {}}",
                "{\"name\": \"Bob\", \"age\": 3} is JSON|{\"name\": \"Bob\", \"age\": 3} is JSON",
                "So: {\"name\": \"add\", \"parameters\": {}}|So: {\"name\": \"add\", \"parameters\": {}}",
                "{\"name\": \"add\", \"para|{\"name\": \"add\", \"para",
                "plain|plain"
            })
    void llamaWithoutAMark(String answer, String expected) {
        check(ToolFormat.LLAMA3_JSON, answer.replace('~', '\n'), expected);
    }

    @Test
    void llamaWithItsMark() {
        check(
                ToolFormat.LLAMA3_JSON,
                "<|python_tag|>{\"name\": \"any\", \"parameters\": {\"q\": \"x\"}}",
                "«any {\"q\": \"x\"}»");
        check(ToolFormat.LLAMA3_JSON, "<|python_tag|>print(1)", "<|python_tag|>print(1)");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "[TOOL_CALLS] [{\"name\": \"add\", \"arguments\": {\"a\": 1}}]|«add {\"a\": 1}»",
                "[TOOL_CALLS][{\"name\": \"a\", \"arguments\": {}}, {\"name\": \"b\", \"arguments\": {\"s\": \"]\"}}]|«a {}»«b {\"s\": \"]\"}»",
                "Yes. [TOOL_CALLS]get_weather[ARGS]{\"city\": \"Rome\"}|Yes.«get_weather {\"city\": \"Rome\"}»",
                "[TOOL_CALLS]a[ARGS]{}[TOOL_CALLS]b[CALL_ID]123456789[ARGS]{\"x\":1}|«a {}»«b {\"x\":1}»",
                "[TOOL_CALLS]no call here|[TOOL_CALLS]no call here",
                "[TOOL_CALLS] [1, 2]|[TOOL_CALLS] [1, 2]",
                "[TOOL_CALLS] []|[TOOL_CALLS] []",
                "[TOOL_CALLS]a[ARGS]{\"x\": |[TOOL_CALLS]a[ARGS]{\"x\": ",
                "[TOOL_CALLS]a[ARGS]{x}|[TOOL_CALLS]a[ARGS]{x}",
                "[TOOL_CALLS]a[OTHER]{}|[TOOL_CALLS]a[OTHER]{}",
                "[TOOL_CALLS]|[TOOL_CALLS]",
                "a [TOOL and [x]|a [TOOL and [x]"
            })
    void mistral(String answer, String expected) {
        check(ToolFormat.MISTRAL, answer, expected);
        check(ToolFormat.MISTRAL_ARGS, answer, expected);
    }

    @Test
    void withoutToolsEverythingIsTextAtOnce() {
        var parser = parser(ToolFormat.NONE);
        assertThat(parser.accept("<tool_call>"))
                .containsExactly(new AnswerPart.Text("<tool_call>"));
        assertThat(parser.accept(" ")).containsExactly(new AnswerPart.Text(" "));
        assertThat(parser.finish()).isEmpty();
    }

    @Test
    void textThatCannotBeginACallIsGivenOutAtOnce() {
        var parser = parser(ToolFormat.HERMES);
        assertThat(parser.accept("Hello")).containsExactly(new AnswerPart.Text("Hello"));
        assertThat(parser.accept(" <")).isEmpty();
        assertThat(parser.accept("3")).containsExactly(new AnswerPart.Text(" <3"));
    }

    @Test
    void idsAreAsTheModelsTemplatesWantThem() {
        assertThat(start(ToolFormat.HERMES, "<tool_call>{\"name\":\"a\"}</tool_call>").id())
                .matches("call_[a-zA-Z0-9]{24}");
        assertThat(start(ToolFormat.MISTRAL, "[TOOL_CALLS][{\"name\":\"a\"}]").id())
                .matches("[a-zA-Z0-9]{9}");
    }

    private static AnswerPart.ToolCallStart start(ToolFormat format, String answer) {
        return (AnswerPart.ToolCallStart) parser(format).accept(answer).getFirst();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "false|<think>~so~~</think>~~Yes.|‹so›Yes.",
                "false|~<think>a < b</think>Yes.|‹a < b›Yes.",
                "false|Yes. <think>no</think>|Yes. <think>no</think>",
                "false|<think></think>Yes|Yes",
                "false|<thin|<thin",
                "false| <3| <3",
                "true|~so~so~</think>~Yes.|‹so~so›Yes.",
                "true|never ends|‹never ends›",
                "true|so</think><tool_call>{\"name\":\"a\"}</tool_call>|‹so›«a {}»"
            })
    void reasoningIsKeptApart(boolean opened, String answer, String expected) {
        var random = new Random(2);
        for (int most = 1; most < 20; most++) {
            var parser = new AnswerParser(ToolFormat.HERMES, TOOLS, true, opened);
            assertThat(read(parser, cut(answer.replace('~', '\n'), random, most)))
                    .isEqualTo(expected.replace('~', '\n'));
        }
    }

    @Test
    void nothingIsEverLost() {
        var pieces =
                List.of(
                        "<tool_call>",
                        "</tool_call>",
                        "{",
                        "}",
                        "\"",
                        "name",
                        ":",
                        "\\",
                        "[TOOL_CALLS]",
                        "[ARGS]",
                        "[",
                        "]",
                        "a",
                        ";",
                        ",",
                        "<|python_tag|>",
                        "<",
                        "x y");
        for (int seed = 0; seed < 500; seed++) {
            var random = new Random(seed);
            var answer = new StringBuilder();
            for (int i = random.nextInt(14); i > 0; i--) {
                answer.append(pieces.get(random.nextInt(pieces.size())));
            }
            for (var format : ToolFormat.values()) {
                var text = read(parser(format), cut(answer.toString(), random, 6));
                // No name is ever followed by a colon and a quoted one here, but the short form may
                // call.
                if (!text.contains("«")) {
                    assertThat(text).isEqualTo(answer.toString());
                }
            }
        }
    }
}
