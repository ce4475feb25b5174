package dev.stator.cache.remote;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.BlockKey;
import dev.stator.cache.codec.PayloadCodec;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class RecordTest {
    private final Chain chain = Chain.random(1, 10);
    private final RecordReader reader = new RecordReader(Chain.KEY, Chain.MODEL, true);

    private static final List<PayloadCodec> CODECS =
            List.of(
                    PayloadCodec.RAW,
                    new PayloadCodec.Lossless(1),
                    new PayloadCodec.Lossless(2),
                    new PayloadCodec.Lossless(4),
                    new PayloadCodec.Q8(2));

    private byte[] value(int block, PayloadCodec codec) {
        return value(block, codec, Chain.KEY, Chain.MODEL);
    }

    private byte[] value(int block, PayloadCodec codec, SharedKey key, BlockKey model) {
        return new RecordWriter(key, model, codec)
                .encode(
                        chain.block(block),
                        chain.tokens(block),
                        MemorySegment.ofArray(chain.payload(block)));
    }

    private Verdict open(byte[] value, int block) {
        return reader.open(
                value,
                chain.keys().get(block),
                chain.parent(block),
                chain.tokens(),
                chain.from(block),
                chain.to(block),
                chain.bytes(block));
    }

    @Test
    void whatWasWrittenIsReadWithEveryCodec() {
        for (var codec : CODECS) {
            for (int block = 0; block < chain.blocks(); block++) {
                assertThat(open(value(block, codec), block)).isEqualTo(Verdict.INTACT);
                byte[] rows = new byte[chain.bytes(block)];
                reader.copyTo(MemorySegment.ofArray(rows));
                if (codec.isLossy()) {
                    // As near as QuantisedTest says.
                    assertThat(rows).isNotEqualTo(chain.payload(block));
                } else {
                    assertThat(rows).isEqualTo(chain.payload(block));
                }
                assertThat(reader.recomputeMicros()).isEqualTo(1000 + block);
            }
        }
    }

    @Test
    void theLosslessCodecTakesFewerBytesThanRaw() {
        assertThat(value(0, new PayloadCodec.Lossless(2)).length)
                .isLessThan(value(0, PayloadCodec.RAW).length * 3 / 4);
    }

    @Test
    void whatDoesNotCompressIsWrittenAsItIs() {
        byte[] noise = new byte[Chain.BLOCK_BYTES];
        new Random(3).nextBytes(noise);
        byte[] value =
                new RecordWriter(Chain.KEY, Chain.MODEL, new PayloadCodec.Lossless(2))
                        .encode(chain.block(0), chain.tokens(0), MemorySegment.ofArray(noise));

        assertThat(value).hasSize(RecordFormat.recordBytes(4, Chain.BLOCK_BYTES));
        assertThat(open(value, 0)).isEqualTo(Verdict.INTACT);
        byte[] rows = new byte[noise.length];
        reader.copyTo(MemorySegment.ofArray(rows));
        assertThat(rows).isEqualTo(noise);
    }

    @Test
    void whoeverDidNotChooseToLoseAnythingTakesRoundedPayloadsForForeign() {
        var exact = new RecordReader(Chain.KEY, Chain.MODEL);
        assertThat(
                        exact.open(
                                value(0, new PayloadCodec.Q8(2)),
                                chain.keys().getFirst(),
                                chain.root(),
                                chain.tokens(),
                                0,
                                4,
                                chain.bytes(0)))
                .isEqualTo(Verdict.FOREIGN);
        byte[] rows = new byte[chain.bytes(0)];
        exact.copyTo(MemorySegment.ofArray(rows));
        assertThat(rows).containsOnly(0);
    }

    @Test
    void codecsOfLaterVersionsAreForeign() {
        byte[] value = value(0, PayloadCodec.RAW);
        for (int code : new int[] {17, 0x7f, 0x81, 0x83, 0xff}) {
            value[6] = (byte) code;
            assertThat(open(value, 0)).isEqualTo(Verdict.FOREIGN);
        }
    }

    @Test
    void noFlippedBitGoesUnnoticed() {
        for (var codec : CODECS) {
            byte[] value = value(1, codec);
            for (int bit = 0; bit < value.length * 8; bit++) {
                value[bit / 8] ^= (byte) (1 << bit % 8);
                assertThat(open(value, 1)).as("bit %d", bit).isNotEqualTo(Verdict.INTACT);
                value[bit / 8] ^= (byte) (1 << bit % 8);
            }
            assertThat(open(value, 1)).isEqualTo(Verdict.INTACT);
        }
    }

    @Test
    void valuesOfOtherLengthsAreCorrupt() {
        byte[] value = value(0, PayloadCodec.RAW);
        for (int length = 0; length < value.length; length++) {
            assertThat(open(Arrays.copyOf(value, length), 0)).isEqualTo(Verdict.CORRUPT);
        }
        assertThat(open(Arrays.copyOf(value, value.length + 1), 0)).isEqualTo(Verdict.CORRUPT);
        var random = new Random(4);
        for (int i = 0; i < 1000; i++) {
            byte[] rubbish = new byte[random.nextInt(3000)];
            random.nextBytes(rubbish);
            assertThat(open(rubbish, 0)).isEqualTo(Verdict.CORRUPT);
        }
    }

    @Test
    void anotherVersionOrModelIsForeign() {
        byte[] value = value(0, PayloadCodec.RAW);
        value[5]++;
        assertThat(open(value, 0)).isEqualTo(Verdict.FOREIGN);
        assertThat(open(value(0, PayloadCodec.RAW, Chain.KEY, BlockKey.root("other")), 0))
                .isEqualTo(Verdict.FOREIGN);
    }

    @Test
    void anotherKeysValuesAreCorrupt() {
        byte[] seed = new byte[32];
        seed[31] = 1;
        assertThat(open(value(0, PayloadCodec.RAW, SharedKey.of(seed), Chain.MODEL), 0))
                .isEqualTo(Verdict.CORRUPT);
    }

    @Test
    void anotherBlocksValueIsACollision() {
        assertThat(open(value(1, PayloadCodec.RAW), 0)).isEqualTo(Verdict.COLLISION);
        int[] others = chain.tokens().clone();
        others[2]++;
        assertThat(
                        reader.open(
                                value(0, PayloadCodec.RAW),
                                chain.keys().getFirst(),
                                chain.root(),
                                others,
                                0,
                                4,
                                chain.bytes(0)))
                .isEqualTo(Verdict.COLLISION);
        assertThat(
                        reader.open(
                                value(0, PayloadCodec.RAW),
                                chain.keys().getFirst(),
                                chain.root(),
                                chain.tokens(),
                                0,
                                4,
                                chain.bytes(0) + 1))
                .isEqualTo(Verdict.COLLISION);
    }
}
