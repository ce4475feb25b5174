package dev.stator.sim.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TraceFilesTest {
    @TempDir Path folder;

    @Test
    void mooncakeGivesAKeyPerCompleteBlock() throws IOException {
        var trace =
                mooncake(
                        """
                        {"timestamp": 0, "input_length": 1000, "output_length": 10, "hash_ids": [0, 1]}
                        {"timestamp": 3000, "input_length": 1100, "output_length": 20, "hash_ids": [0, 2, 3]}
                        """);
        assertThat(trace.blockTokens()).isEqualTo(512);
        assertThat(trace.tickNanos()).isEqualTo(3_000_000_000L);
        var first = trace.requests().getFirst();
        var second = trace.requests().getLast();
        assertThat(first.keys()).hasSize(1);
        assertThat(second.keys()).hasSize(2);
        assertThat(second.keys()[0]).isEqualTo(first.keys()[0]);
        assertThat(second.arrivalNanos()).isEqualTo(3_000_000_000L);
        assertThat(second.promptTokens()).isEqualTo(1100);
        assertThat(second.outputTokens()).isEqualTo(20);
    }

    @Test
    void anIdAfterAnotherPrefixIsOtherText() throws IOException {
        var trace =
                mooncake(
                        """
                        {"timestamp": 0, "input_length": 1024, "output_length": 1, "hash_ids": [0, 7]}
                        {"timestamp": 1, "input_length": 1024, "output_length": 1, "hash_ids": [1, 7]}
                        """);
        assertThat(trace.requests().getFirst().keys()[1])
                .isNotEqualTo(trace.requests().getLast().keys()[1]);
        assertThat(trace.tickNanos()).as("no rounding").isZero();
    }

    @Test
    void theNextTurnFindsTheAnswerOfTheTurnBefore() throws IOException {
        var trace =
                mooncake(
                        """
                        {"timestamp": 0, "input_length": 600, "output_length": 1000, "hash_ids": [0, 1]}
                        {"timestamp": 1, "input_length": 2000, "output_length": 1, "hash_ids": [0, 2, 3, 4]}
                        {"timestamp": 2, "input_length": 2000, "output_length": 1, "hash_ids": [0, 5, 6, 7]}
                        {"timestamp": 3, "input_length": 2600, "output_length": 1, "hash_ids": [0, 2, 3, 8, 9, 10]}
                        """);
        long[] answered = trace.requests().get(0).keys();
        long[] continued = trace.requests().get(1).keys();
        long[] other = trace.requests().get(2).keys();
        long[] later = trace.requests().get(3).keys();
        assertThat(answered).hasSize(3);
        assertThat(continued).startsWith(answered);
        assertThat(later).startsWith(answered);
        assertThat(other[0]).isEqualTo(answered[0]);
        assertThat(other[1]).isNotEqualTo(answered[1]);
    }

    @Test
    void idsCanBeCutIntoSmallerBlocks() throws IOException {
        var file = write("t.jsonl", ONE + ONE.replace("0,", "1,"));
        var trace = TraceFiles.open(file, OptionalInt.of(128), 10);
        assertThat(trace.requests().getFirst().keys()).hasSize(1000 / 128).doesNotHaveDuplicates();
        assertThatThrownBy(() -> TraceFiles.open(file, OptionalInt.of(100), 10))
                .isInstanceOf(TraceException.class)
                .hasMessageContaining("use a divisor");
    }

    private static final String ONE =
            "{\"timestamp\": 0, \"input_length\": 1000, \"output_length\": 1, \"hash_ids\": [0,"
                    + " 1]}\n";

    @Test
    void errorsNameFileAndLine() throws IOException {
        wrong(ONE + "oops", "line 2: this is not JSON");
        wrong(ONE + "\n[1]", "line 3: a JSON object was expected");
        wrong(ONE + ONE.replace("\"hash_ids\": [0, 1]", "\"x\": 1"), "'hash_ids' must be a list");
        wrong(ONE + ONE.replace("[0, 1]", "[0, \"b\"]"), "holds \"b\", which is no whole number");
        wrong(ONE + ONE.replace("[0, 1]", "[0]"), "1 'hash_ids' do not fit 'input_length' 1000");
        wrong(ONE + ONE.replace("1000", "-1"), "'input_length' cannot be -1 tokens");
        wrong(ONE + ONE.replace("1000", "0"), "'input_length' must be at least 1");
        wrong(ONE + ONE.replace("1000", "1.5"), "'input_length' must be a whole number, is 1.5");
        wrong(ONE + ONE.replace("\"timestamp\": 0,", ""), "'timestamp' must be a number");
        wrong(ONE.replace(": 0,", ": 5,") + ONE, "line 2: 'timestamp' is earlier");
        wrong(ONE, "has no rate");
        assertThatThrownBy(
                        () -> TraceFiles.open(folder.resolve("no.jsonl"), OptionalInt.empty(), 1))
                .hasMessageContaining("there is no such file");
        assertThatThrownBy(() -> TraceFiles.open(folder.resolve("a.txt"), OptionalInt.empty(), 1))
                .hasMessageContaining("no known kind of trace");
    }

    private void wrong(String text, String message) throws IOException {
        var file = write("wrong.jsonl", text);
        assertThatThrownBy(() -> TraceFiles.open(file, OptionalInt.empty(), 10))
                .isInstanceOf(TraceException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(message);
    }

    @Test
    void azureHasLengthsButNoSharedText() throws IOException {
        var file =
                write(
                        "azure.csv",
                        """
                        TIMESTAMP,ContextTokens,GeneratedTokens
                        2023-11-16 18:17:03.9799600,4808,10
                        2023-11-16 18:17:04.0319600,3180,8
                        """);
        var trace = TraceFiles.open(file, OptionalInt.empty(), 10);
        assertThat(trace.requests())
                .extracting(TraceRequest::promptTokens)
                .containsExactly(4808, 3180);
        long apart =
                trace.requests().get(1).arrivalNanos() - trace.requests().get(0).arrivalNanos();
        assertThat(apart).isEqualTo(52_000_000);
        assertThat(trace.requests().get(0).keys()).doesNotContain(trace.requests().get(1).keys());

        Files.writeString(file, "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16,1,1\n");
        assertThatThrownBy(() -> TraceFiles.open(file, OptionalInt.empty(), 10))
                .hasMessageContaining("line 2: 'TIMESTAMP' must be like");
        Files.writeString(file, "a,b\n");
        assertThatThrownBy(() -> TraceFiles.open(file, OptionalInt.empty(), 10))
                .hasMessageContaining("line 1: the head");
    }

    @Test
    void ragPulsePromptsAreTheirPartsInOrder() throws IOException {
        write("1_sys_prompt.jsonl", "{\"sys_prompt_id\": 1, \"token_length\": 100}\n");
        write(
                "2_passages.jsonl",
                "{\"passage_id\": 2, \"token_length\": 60}\n"
                        + "{\"passage_id\": 3, \"token_length\": 70}\n");
        write("3_history.jsonl", "{\"history_id\": 4, \"token_length\": 10}\n");
        write("4_user_input.jsonl", "{\"user_input_id\": 5, \"token_length\": 20}\n");
        write("5_web_search.jsonl", "");
        var row =
                "{\"timestamp\": \"%d\", \"input_length\": 268, \"output_length\": 5, \"hash_ids\":"
                        + " {\"sys_prompt\": [1], \"passages_ids\": [%s], \"history\": [4],"
                        + " \"web_search\": [], \"user_input\": [5]}, \"session_id\": \"a\"}\n";
        var file = write("0_trace.jsonl", row.formatted(9, "3, 2") + row.formatted(7, "2, 3"));
        var trace = TraceFiles.open(folder, OptionalInt.of(32), 10);
        var early = trace.requests().get(0);
        var late = trace.requests().get(1);
        assertThat(early.arrivalNanos()).isEqualTo(7_000_000_000L);
        assertThat(late.session()).isEqualTo(early.session());
        assertThat(early.promptTokens()).isEqualTo(268);
        assertThat(early.keys()).hasSize((268 + 5) / 32);
        // They share the system prompt's 100 tokens, not the passages in other order.
        assertThat(List.of(early.keys()[2], early.keys()[3]))
                .containsExactly(late.keys()[2], early.keys()[3])
                .doesNotContain(late.keys()[3]);

        Files.writeString(file, row.formatted(1, "8"));
        assertThatThrownBy(() -> TraceFiles.open(file, OptionalInt.empty(), 10))
                .hasMessageContaining(
                        "line 1: 'passages_ids' names 8, which is not in 2_passages.jsonl");
    }

    private Recorded mooncake(String text) throws IOException {
        return TraceFiles.open(write("t.jsonl", text), OptionalInt.empty(), 100);
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }
}
