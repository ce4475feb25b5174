package dev.stator.models;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The demonstration model's head, damaged at random: refused with a sentence or read, never worse.
 */
final class GgufFuzzTest {
    private static final Path DEMO = Path.of(System.getProperty("stator.demo"), "model.gguf");
    private static final int ROUNDS = 400;

    /**
     * A sound head of 60 kB takes well under this; a length that is believed would take gigabytes.
     */
    private static final long MOST_ALLOCATED_BYTES = 64L << 20;

    @TempDir Path folder;

    @Test
    void survivesFlippedAndMissingBytes() throws IOException {
        byte[] model = Files.readAllBytes(DEMO);
        var first = GgufFile.read(DEMO).tensors().getFirst();
        int head = (int) (model.length - weightBytes());
        assertThat(first.offset()).isZero();
        var random = new Random(20_261_125);
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int read = 0;
        int refused = 0;
        for (int round = 0; round < ROUNDS; round++) {
            byte[] damaged = damage(model, head, random);
            var file = Files.write(folder.resolve("damaged.gguf"), damaged);
            long before = threads.getCurrentThreadAllocatedBytes();
            try {
                ModelReport.of(file).text();
                read++;
            } catch (ModelFileException e) {
                assertThat(e.getMessage()).as("round %d", round).contains("damaged.gguf");
                refused++;
            }
            assertThat(threads.getCurrentThreadAllocatedBytes() - before)
                    .as("bytes allocated in round %d", round)
                    .isLessThan(MOST_ALLOCATED_BYTES);
        }
        assertThat(refused).isGreaterThan(ROUNDS / 4);
        assertThat(read).isPositive();
    }

    private static long weightBytes() {
        return GgufFile.read(DEMO).tensors().stream().mapToLong(GgufTensor::bytes).sum();
    }

    /**
     * Most rounds keep only the head, so that the disk isn't what is tested; the weights then miss.
     */
    private static byte[] damage(byte[] model, int head, Random random) {
        boolean whole = random.nextInt(16) == 0;
        byte[] damaged =
                whole
                        ? model.clone()
                        : Arrays.copyOf(model, random.nextBoolean() ? head : random.nextInt(head));
        int flips = 1 + random.nextInt(3);
        for (int i = 0; i < flips && damaged.length > 0; i++) {
            int at = random.nextInt(Math.min(head, damaged.length));
            damaged[at] =
                    random.nextBoolean()
                            ? (byte) random.nextInt(256)
                            : (byte) (damaged[at] ^ 1 << random.nextInt(8));
        }
        return damaged;
    }
}
