package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class JsonBytesTest {
    private static String written(String text) {
        var bytes = new JsonBytes();
        bytes.append("\"".getBytes(StandardCharsets.UTF_8));
        bytes.appendEscaped(text);
        bytes.append("\"".getBytes(StandardCharsets.UTF_8));
        return bytes.take().toString(StandardCharsets.UTF_8);
    }

    @RepeatedTest(200)
    void aParserReadsBackAnyText(RepetitionInfo repetition) {
        var random = new Random(repetition.getCurrentRepetition());
        var text = new StringBuilder();
        for (int i = random.nextInt(300); i > 0; i--) {
            int limit = new int[] {0x20, 0x80, 0x800, 0x10000, 0x110000}[random.nextInt(5)];
            int point = random.nextInt(limit);
            if (point < 0xd800 || point > 0xdfff) {
                text.appendCodePoint(point);
            }
        }

        assertThat(Client.JSON.readTree(written(text.toString())).asString())
                .isEqualTo(text.toString());
    }

    @Test
    void halfASurrogatePairBecomesTheReplacementCharacter() {
        assertThat(written("a\ud83d")).isEqualTo("\"a\uFFFD\"");
        assertThat(written("\ude00b")).isEqualTo("\"\uFFFDb\"");
        assertThat(written("\ude00\ud83d")).isEqualTo("\"\uFFFD\uFFFD\"");
    }

    @Test
    void takingEmpties() {
        var bytes = new JsonBytes();
        bytes.appendEscaped("x".repeat(100_000));

        assertThat(bytes.take().length()).isEqualTo(100_000);
        assertThat(bytes.size()).isZero();
        assertThat(bytes.take().length()).isZero();
    }
}
