package dev.stator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SimulateTest {
    private static final String FLEET =
            "model: llama-3.1-8b\ngpu: h100-sxm\nboth: {count: 2}\nhost: 8GiB\n";
    private static final String SESSIONS =
            "rate: 2\ngroups: 3\nsystem-tokens: 500\nturns: 4\nthink-time: 5s\n";

    @TempDir Path folder;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private Path fleet = Path.of("");
    private Path sessions = Path.of("");

    @BeforeEach
    void files() throws Exception {
        fleet = Files.writeString(folder.resolve("fleet.yaml"), FLEET);
        sessions = Files.writeString(folder.resolve("sessions.yaml"), SESSIONS);
    }

    private int simulate(String... more) {
        var arguments = new String[more.length + 8];
        arguments[0] = "simulate";
        arguments[1] = sessions.toString();
        arguments[2] = "--fleet";
        arguments[3] = fleet.toString();
        arguments[4] = "--requests";
        arguments[5] = "300";
        arguments[6] = "--seeds";
        arguments[7] = "2";
        System.arraycopy(more, 0, arguments, 8, more.length);
        return Main.run(
                new Console(
                        InputStream.nullInputStream(),
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        Map.of()),
                arguments);
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void theSameSeedsGiveTheSameFigures() {
        assertThat(simulate("--policy", "predicted,dynamo", "--json")).as(err()).isZero();
        var first = out.toString(StandardCharsets.UTF_8);
        out.reset();
        assertThat(simulate("--policy", "predicted,dynamo", "--json")).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo(first).contains("\"dynamo\"");
    }

    @Test
    void aTableComparesPoliciesAndAPageShowsThem() throws Exception {
        var page = folder.resolve("report.html");
        assertThat(simulate("--policy", "predicted,least-loaded", "--html", page.toString()))
                .as(err())
                .isZero();
        assertThat(out.toString(StandardCharsets.UTF_8))
                .contains("Load 1 x", "predicted", "least-loaded", "TTFT p99");
        assertThat(Files.readString(page))
                .startsWithIgnoringCase("<!doctype html>")
                .contains("<svg");
    }

    @Test
    void sessionsHaveNoSaturationToTakeAPartOf() {
        assertThat(simulate("--load", "0.7")).isEqualTo(2);
        assertThat(err()).contains("--load", "--rate", "--speed");
    }

    @Test
    void aRecordedTraceIsSentAtAPartOfWhatTheFleetCanDo() throws Exception {
        sessions =
                Files.writeString(
                        folder.resolve("trace.jsonl"),
                        "{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 5, \"hash_ids\": [1, 2]}\n"
                                + "{\"timestamp\": 900, \"input_length\": 700, \"output_length\": 5, \"hash_ids\": [1, 3]}\n");
        assertThat(simulate("--policy", "predicted")).as(err()).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("Load 70 %");
    }

    @Test
    void aFleetFileWithAnUnknownKeyIsRefusedWithTheNearestKnownOne() throws Exception {
        Files.writeString(fleet, FLEET + "hots: 8GiB\n");
        assertThat(simulate()).isEqualTo(2);
        assertThat(err()).contains("hots", "host");
    }

    @Test
    void aFleetWithoutWorkersThatGenerateIsRefused() throws Exception {
        Files.writeString(fleet, "model: llama-3.1-8b\ngpu: h100-sxm\nprefill: {count: 2}\n");
        assertThat(simulate()).isEqualTo(2);
        assertThat(err()).contains("'both' or 'decode'");
    }

    @Test
    void aBrokenTraceIsRefusedWithItsLine() throws Exception {
        sessions =
                Files.writeString(
                        folder.resolve("trace.jsonl"),
                        "{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 5, \"hash_ids\": [1, 2]}\n{\"timestamp\": 1}\n");
        assertThat(simulate()).isEqualTo(2);
        assertThat(err()).contains("2");
    }

    @Test
    void anUnknownPolicyIsRefusedWithThoseThereAre() {
        assertThat(simulate("--policy", "best")).isEqualTo(2);
        assertThat(err()).contains("predicted", "round-robin");
    }
}
