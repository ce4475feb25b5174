package dev.stator.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.codec.PayloadCodec;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DiskCodecTest {
    private static final int BYTES_PER_TOKEN = 2048;
    private static final int BLOCKS = 12;

    @TempDir Path folder;
    private final Chain chain = Chain.random(1, BLOCKS, BYTES_PER_TOKEN);

    private DiskTier tier(PayloadCodec codec) {
        return DiskTier.open(
                DiskTierOptions.of(folder, 4 << 20, 4 * BYTES_PER_TOKEN, Chain.MODEL)
                        .withSegmentBytes(256 << 10)
                        .withCodec(codec));
    }

    /** Half-precision numbers from a quarter to two, of either sign. */
    private byte[] rows(int block) {
        byte[] rows = new byte[chain.bytes(block)];
        var random = new Random(block);
        random.nextBytes(rows);
        for (int i = 1; i < rows.length; i += 2) {
            rows[i] = (byte) (0x34 + random.nextInt(12) + (random.nextBoolean() ? 0x80 : 0));
        }
        return rows;
    }

    private void store(DiskTier tier) {
        for (int block = 0; block < BLOCKS; block++) {
            var rows = MemorySegment.ofArray(rows(block));
            tier.offer(
                    new DiskBlock(
                            chain.keys().get(block),
                            chain.parent(block),
                            chain.from(block),
                            4,
                            chain.bytes(block),
                            1000),
                    Arrays.copyOfRange(chain.tokens(), chain.from(block), chain.to(block)),
                    rows,
                    () -> rows.fill((byte) 0));
            tier.awaitWritten();
        }
    }

    private byte[] read(DiskTier tier, int block) {
        var buffer = tier.readBuffer();
        assertThat(
                        tier.read(
                                chain.keys().get(block),
                                chain.tokens(),
                                chain.from(block),
                                chain.to(block),
                                buffer))
                .isPresent();
        byte[] rows = new byte[chain.bytes(block)];
        assertThat(buffer.copyTo(MemorySegment.ofArray(rows))).isTrue();
        assertThat(buffer.copyTo(MemorySegment.ofArray(new byte[rows.length + 64]))).isFalse();
        return rows;
    }

    private static float number(byte[] rows, int i) {
        return Float.float16ToFloat((short) ((rows[2 * i] & 0xff) | rows[2 * i + 1] << 8));
    }

    @Test
    void compressedBlocksComeBackAsTheyWereNowAndAfterARestart() {
        var lossless = new PayloadCodec.Lossless(2);
        try (var tier = tier(lossless)) {
            store(tier);
            assertThat(tier.stats().bytesStored())
                    .isLessThan((long) BLOCKS * RecordCodec.recordBytes(4, chain.bytes(0)));
        }
        try (var tier = tier(lossless)) {
            for (int block = 0; block < BLOCKS; block++) {
                assertThat(read(tier, block)).isEqualTo(rows(block));
            }
            tier.checkIntegrity();
        }
    }

    @Test
    void roundedBlocksTakeHalfTheRoomAndComeBackNearlyAsTheyWere() {
        var codec = new PayloadCodec.Q8(2);
        try (var tier = tier(codec)) {
            store(tier);
            assertThat(tier.stats().bytesStored())
                    .isLessThanOrEqualTo(
                            (long) BLOCKS * RecordCodec.recordBytes(4, 8192 * 34 / 64));
        }
        try (var tier = tier(codec)) {
            for (int block = 0; block < BLOCKS; block++) {
                byte[] rows = read(tier, block);
                byte[] before = rows(block);
                for (int i = 0; i < rows.length / 2; i++) {
                    // Numbers go up to two: half a scale, and half a step of f16, are 0.009.
                    assertThat(Math.abs(number(rows, i) - number(before, i))).isLessThan(0.009f);
                }
            }
        }
    }
}
