package dev.stator.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Short lives over one folder: each goes on with what the one before left part empty. */
final class RestartsTest {
    private static final int KIB = 1 << 10;

    @TempDir Path place;
    private Path folder = Path.of("");

    @BeforeEach
    void choose() {
        folder = place.resolve("tier");
    }

    /** Segments of 256 KiB, each for some sixty blocks of a page. */
    private DiskTier open() {
        return DiskTier.open(
                DiskTierOptions.of(folder, 16 << 20, 4 * KIB, Chain.MODEL)
                        .withSegmentBytes(256 * KIB)
                        .withWarnings(
                                warning -> {
                                    throw new AssertionError(warning);
                                }));
    }

    private List<Path> segments() throws IOException {
        try (var files = Files.list(folder)) {
            return files.filter(file -> Segment.number(file).isPresent()).sorted().toList();
        }
    }

    private static Chain chain(long seed) {
        return Chain.random(seed, 1, 700);
    }

    @Test
    void manyShortLivesLeaveFewSegmentsAndWriteNothingTwice() throws IOException {
        long stored = 0;
        long written = 0;
        for (int life = 0; life < 200; life++) {
            try (var tier = open()) {
                chain(life).store(tier);
                stored += tier.stats().bytesStored();
                assertThat(tier.stats().rewritten()).isZero();
                tier.checkIntegrity();
                written += tier.stats().bytesWritten();
            }
        }
        assertThat(segments()).hasSizeLessThanOrEqualTo(5);
        assertThat((double) written / stored)
                .as("records, a head for each segment")
                .isLessThan(1.1);
        try (var tier = open()) {
            for (int life = 0; life < 200; life++) {
                assertThat(chain(life).readable(tier)).isEqualTo(1);
            }
        }
    }

    @Test
    void aLifeThatWritesNothingChangesNothing() throws IOException {
        try (var tier = open()) {
            chain(1).store(tier);
        }
        byte[] before = Files.readAllBytes(segments().getFirst());
        try (var tier = open()) {
            assertThat(chain(1).readable(tier)).isEqualTo(1);
        }
        assertThat(Files.readAllBytes(segments().getFirst())).isEqualTo(before);
    }

    @Test
    void whatASegmentHeldIsReadWhileItIsGoneOnWithAndAfterwards() throws IOException {
        try (var tier = open()) {
            chain(1).store(tier);
        }
        for (int life = 2; life < 6; life++) {
            try (var tier = open()) {
                chain(life).store(tier);
                for (int earlier = 1; earlier <= life; earlier++) {
                    assertThat(chain(earlier).readable(tier)).isEqualTo(1);
                }
            }
            assertThat(segments()).hasSize(1);
        }
    }

    @Test
    void ofAnotherModelNothingIsTouched() throws IOException {
        var other =
                DiskTierOptions.of(
                                folder, 16 << 20, 4 * KIB, dev.stator.cache.BlockKey.root("other"))
                        .withSegmentBytes(256 * KIB);
        try (var tier = DiskTier.open(other)) {
            chain(1).store(tier);
        }
        byte[] before = Files.readAllBytes(segments().getFirst());
        try (var tier = open()) {
            chain(2).store(tier);
        }
        assertThat(segments()).hasSize(2);
        assertThat(Files.readAllBytes(segments().getFirst())).isEqualTo(before);
    }

    @Test
    void manySmallSegmentsAreFilledBeforeNewOnesAreMade() throws IOException {
        // As an earlier version left them: one for each life.
        var hidden = place.resolve("hidden");
        Files.createDirectories(hidden);
        for (int life = 0; life < 30; life++) {
            try (var tier = open()) {
                chain(life).store(tier);
            }
            Files.move(segments().getFirst(), hidden.resolve(Segment.path(hidden, life + 1)));
        }
        for (int life = 0; life < 30; life++) {
            Files.move(Segment.path(hidden, life + 1), Segment.path(folder, life + 1));
        }
        assertThat(segments()).hasSize(30);
        try (var tier = open()) {
            for (int i = 0; i < 800; i++) {
                chain(1000 + i).store(tier);
            }
            assertThat(tier.stats().segments()).isEqualTo(30);
            for (int life = 0; life < 30; life++) {
                assertThat(chain(life).readable(tier)).isEqualTo(1);
            }
        }
    }

    @Test
    void aCrashWhileASegmentIsGoneOnWithLosesNothingOfIt() throws IOException {
        // A life that ended well, and one that died: all states of the file between the two.
        try (var tier = open()) {
            for (int i = 0; i < 5; i++) {
                chain(i).store(tier);
            }
        }
        byte[] before = Files.readAllBytes(segments().getFirst());
        byte[] after;
        try (var tier = open()) {
            for (int i = 5; i < 12; i++) {
                chain(i).store(tier);
            }
            after = Files.readAllBytes(segments().getFirst());
        }
        var segment = segments().getFirst();
        var random = new Random(1);
        int recordsEnd = (1 + 5) * RecordCodec.PAGE;
        var states = new ArrayList<byte[]>();
        for (int i = 0; i < 200; i++) {
            // Cut off anywhere after the records, or the old end with pages of the new one in it.
            int length = recordsEnd + random.nextInt(after.length - recordsEnd + 1);
            states.add(java.util.Arrays.copyOf(after, length));
            byte[] mixed = java.util.Arrays.copyOf(before, Math.max(before.length, length));
            for (int at = recordsEnd; at + RecordCodec.PAGE <= length; at += RecordCodec.PAGE) {
                if (random.nextBoolean()) {
                    System.arraycopy(after, at, mixed, at, RecordCodec.PAGE);
                }
            }
            states.add(mixed);
        }
        for (byte[] state : states) {
            Files.write(segment, state);
            try (var tier = open()) {
                for (int i = 0; i < 5; i++) {
                    assertThat(chain(i).readable(tier)).isEqualTo(1);
                }
                for (int i = 5; i < 12; i++) {
                    chain(i).readable(tier);
                }
                assertThat(tier.stats().checksumFailures()).isZero();
                chain(99).store(tier);
                assertThat(chain(99).readable(tier)).isEqualTo(1);
                tier.checkIntegrity();
            }
            try (var tier = open()) {
                assertThat(chain(99).readable(tier)).isEqualTo(1);
                assertThat(chain(4).readable(tier)).isEqualTo(1);
            }
        }
    }
}
