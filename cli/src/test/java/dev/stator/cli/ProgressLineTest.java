package dev.stator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

final class ProgressLineTest {
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final PrintStream out = new PrintStream(written, true, StandardCharsets.UTF_8);

    @Test
    void saysHowMuchHowFastAndHowLong() {
        assertThat(ProgressLine.line("m.gguf", 3 << 20, OptionalLong.of(6 << 20), 1 << 16))
                .isEqualTo("m.gguf  3MiB of 6MiB  50 %  64KiB/s  eta 0:48");
        assertThat(ProgressLine.line("m.gguf", 5, OptionalLong.empty(), 0)).isEqualTo("m.gguf  5B");
        assertThat(ProgressLine.line("m.gguf", 0, OptionalLong.of(7200), 1))
                .isEqualTo("m.gguf  0B of 7.0KiB  0 %  1B/s  eta 2:00:00");
        assertThat(ProgressLine.line("m.gguf", 9, OptionalLong.of(9), 9))
                .isEqualTo("m.gguf  9B of 9B  100 %  9B/s");
    }

    @Test
    void overwritesItsLineInATerminal() {
        try (var line = new ProgressLine(out, true)) {
            line.report("m", 1, OptionalLong.of(2), 0);
            line.report("m", 2, OptionalLong.of(2), 0);
        }

        assertThat(written.toString(StandardCharsets.UTF_8))
                .isEqualTo(
                        "\r\u001b[Km  1B of 2B  50 %%\r\u001b[Km  2B of 2B  100 %%%n".formatted());
    }

    @Test
    void printsOnlyTheEndSoonElsewhere() {
        try (var line = new ProgressLine(out, false)) {
            line.report("m", 1, OptionalLong.of(2), 0);
            line.report("m", 2, OptionalLong.of(2), 0);
        }

        assertThat(written.toString(StandardCharsets.UTF_8))
                .isEqualTo("m  2B of 2B  100 %%%n".formatted());
    }
}
