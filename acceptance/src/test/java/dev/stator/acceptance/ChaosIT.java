package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * A cluster of real processes of which parts are killed, frozen and cut off while clients ask: the
 * benchmark {@code chaos} with few faults that follow each other fast. {@code -Dstator.chaos=SEED}
 * draws others; its output names the seed.
 */
final class ChaosIT {
    private static final int FAULTS = 10;

    @Test
    void nothingFailsAndNothingIsHeldWhateverBreaks() throws Exception {
        var bench = Path.of(System.getProperty("stator.bench"));
        var run =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Dstator.home=" + bench.getParent(),
                                "-cp",
                                classPath(bench),
                                "dev.stator.bench.Main",
                                "chaos",
                                "--faults=" + FAULTS,
                                "--seed=" + Long.getLong("stator.chaos", 1),
                                "--clients=4",
                                "--questions=8",
                                "--longest-ms=1600",
                                "--node-timeout-ms=1000",
                                "--server=" + StatorProcess.HOME.resolve("stator"))
                        .redirectErrorStream(true)
                        .start();
        var said = new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(run.waitFor()).as(said).isZero();
    }

    private static String classPath(Path bench) throws IOException {
        var target = bench.resolve("target");
        return target.resolve("classes") + ":" + Files.readString(target.resolve("classpath"));
    }
}
