package dev.stator.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that is killed while it writes, again and again over the same folder. */
final class KilledProcessTest {
    private static final int KILLS = Integer.getInteger("stator.disk.kills", 24);

    @TempDir Path folder;

    @Test
    void whatAKilledProcessHadWrittenIsThereAfterwards() throws Exception {
        var random = new Random(11);
        long next = 0;
        for (int kill = 0; kill < KILLS; kill++) {
            long last = runAndKill(next, random.nextInt(40), random.nextInt(3_000_000));
            try (var tier = KilledWriter.open(folder)) {
                tier.checkIntegrity();
                for (long number = 0; number <= last; number++) {
                    var chain = KilledWriter.chain(number);
                    assertThat(chain.readable(tier))
                            .as("blocks of %d after kill %d at %d", number, kill, last)
                            .isEqualTo(chain.blocks());
                }
                // What was on its way is there or not, but not half.
                KilledWriter.chain(last + 1).readable(tier);
                assertThat(tier.stats().checksumFailures()).isZero();
            }
            next = last + 1;
        }
        assertThat(next).isPositive();
    }

    /**
     * Returns the last number that the process had stored when it was killed, some nanoseconds
     * after the one that it was to be killed after.
     */
    private long runAndKill(long first, int stored, long nanos) throws Exception {
        var process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                System.getProperty("java.class.path"),
                                KilledWriter.class.getName(),
                                folder.toString(),
                                Long.toString(first))
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        long last = first - 1;
        try (var lines = process.inputReader()) {
            while (last < first + stored) {
                last = number(lines.readLine());
            }
            long until = System.nanoTime() + nanos;
            while (System.nanoTime() < until) {
                Thread.onSpinWait();
            }
            process.toHandle().destroyForcibly();
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                last = number(line);
            }
        } finally {
            process.destroyForcibly();
        }
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return last;
    }

    private static long number(String line) throws IOException {
        if (line == null) {
            throw new IOException("the process ended by itself");
        }
        return Long.parseLong(line);
    }

    @Test
    void twoProcessesDoNotShareAFolder() throws Exception {
        try (var _ = KilledWriter.open(folder)) {
            var process =
                    new ProcessBuilder(
                                    Path.of(System.getProperty("java.home"), "bin", "java")
                                            .toString(),
                                    "-cp",
                                    System.getProperty("java.class.path"),
                                    KilledWriter.class.getName(),
                                    folder.toString(),
                                    "0")
                            .redirectErrorStream(true)
                            .start();
            var output = new String(process.getInputStream().readAllBytes());
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isNotZero();
            assertThat(output).contains("in use by another server").contains(folder.toString());
        }
    }
}
