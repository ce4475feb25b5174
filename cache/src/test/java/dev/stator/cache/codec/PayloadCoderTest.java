package dev.stator.cache.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class PayloadCoderTest {
    private static final List<PayloadCodec> CODECS =
            List.of(
                    PayloadCodec.RAW,
                    new PayloadCodec.Lossless(1),
                    new PayloadCodec.Lossless(2),
                    new PayloadCodec.Lossless(4),
                    new PayloadCodec.Q8(2),
                    new PayloadCodec.Q8(4));

    private final PayloadCoder coder = new PayloadCoder();

    /** Numbers around 1, of half or single precision. */
    private static byte[] payload(Random random, int bytes) {
        byte[] payload = new byte[bytes];
        random.nextBytes(payload);
        for (int i = 1; i < bytes; i += 2) {
            payload[i] = (byte) (0x3a + random.nextInt(3));
        }
        return payload;
    }

    @Test
    void codesNameCodecs() {
        for (var codec : CODECS) {
            assertThat(PayloadCodec.of(codec.code())).contains(codec);
        }
        for (int code : new int[] {-1, 17, 0x80, 0x81, 0x83, 0x85, 0x100}) {
            assertThat(PayloadCodec.of(code)).isEmpty();
        }
    }

    @Test
    void payloadsOfAllSizesComeBackAsTheyWereUnlessTheCodecIsLossy() {
        var random = new Random(1);
        for (int round = 0; round < 300; round++) {
            for (var codec : CODECS) {
                int size =
                        random.nextBoolean()
                                ? 1 + random.nextInt(5000)
                                : 128 * (1 + random.nextInt(40));
                byte[] payload = payload(random, size);
                var encoded = coder.encode(codec, MemorySegment.ofArray(payload));
                byte[] bytes = encoded.bytes().toArray(ValueLayout.JAVA_BYTE);
                byte[] back = new byte[payload.length];

                assertThat(coder.decode(encoded.codec(), bytes, 0, bytes.length, back.length))
                        .isTrue();
                coder.copyTo(MemorySegment.ofArray(back));

                assertThat(bytes.length).isLessThanOrEqualTo(payload.length);
                if (!encoded.codec().isLossy()) {
                    assertThat(back).isEqualTo(payload);
                }
            }
        }
    }

    @Test
    void q8TakesALittleMoreThanHalfOfHalfPrecision() {
        byte[] payload = payload(new Random(2), 64 * 100);
        var encoded = coder.encode(new PayloadCodec.Q8(2), MemorySegment.ofArray(payload));

        assertThat(encoded.codec()).isEqualTo(new PayloadCodec.Q8(2));
        assertThat(encoded.bytes().byteSize()).isEqualTo(34 * 100);
    }

    @Test
    void whatCannotBeRoundedIsLeftAsItIs() {
        byte[] payload = payload(new Random(3), 6400);
        payload[641] = 0x7c; // Infinite, or no number.
        var encoded = coder.encode(new PayloadCodec.Q8(2), MemorySegment.ofArray(payload));
        assertThat(encoded.codec()).isEqualTo(PayloadCodec.RAW);
        assertThat(encoded.bytes().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(payload);
        var odd = coder.encode(new PayloadCodec.Q8(2), MemorySegment.ofArray(new byte[66]));
        assertThat(odd.codec()).isEqualTo(PayloadCodec.RAW);
    }

    @Test
    void nothingIsCopiedOfWhatCouldNotBeDecoded() {
        byte[] payload = payload(new Random(4), 640);
        var encoded = coder.encode(new PayloadCodec.Q8(2), MemorySegment.ofArray(payload));
        byte[] bytes = encoded.bytes().toArray(ValueLayout.JAVA_BYTE);
        byte[] back = new byte[640];
        for (int length = 0; length < bytes.length; length++) {
            for (var codec :
                    List.of(PayloadCodec.RAW, new PayloadCodec.Lossless(2), encoded.codec())) {
                assertThat(coder.decode(codec, bytes, 0, length, back.length)).isFalse();
                coder.copyTo(MemorySegment.ofArray(back));
            }
        }
        assertThat(back).containsOnly(0);
    }
}
