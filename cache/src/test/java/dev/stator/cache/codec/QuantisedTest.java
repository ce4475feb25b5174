package dev.stator.cache.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class QuantisedTest {
    /** What dividing and multiplying in single precision may add. */
    private static final double SLACK = 1 + 1e-4;

    private static final int HALF = 2;
    private static final int FLOAT = 4;
    private static final int GROUP_BYTES = 34;

    private final Quantised quantised = new Quantised();

    private static MemorySegment rows(float[] numbers, int elementBytes) {
        var rows =
                ByteBuffer.allocate(numbers.length * elementBytes).order(ByteOrder.LITTLE_ENDIAN);
        for (float number : numbers) {
            if (elementBytes == HALF) {
                rows.putShort(Float.floatToFloat16(number));
            } else {
                rows.putFloat(number);
            }
        }
        return MemorySegment.ofArray(rows.array());
    }

    private static float[] numbers(byte[] rows, int count, int elementBytes) {
        var in = ByteBuffer.wrap(rows).order(ByteOrder.LITTLE_ENDIAN);
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = elementBytes == HALF ? Float.float16ToFloat(in.getShort()) : in.getFloat();
        }
        return numbers;
    }

    private static float scale(byte[] encoded, int group) {
        return Float.float16ToFloat(
                ByteBuffer.wrap(encoded)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .getShort(group * GROUP_BYTES));
    }

    private static byte[] bytes(MemorySegment rows) {
        return rows.toArray(ValueLayout.JAVA_BYTE);
    }

    /** Numbers of very different sizes, now and then all zero, as small as there are, or large. */
    private static float[] random(Random random, int groups, int elementBytes) {
        float[] numbers = new float[groups * Quantised.NUMBERS];
        for (int group = 0; group < groups; group++) {
            double size =
                    switch (random.nextInt(6)) {
                        case 0 -> 0;
                        case 1 -> Math.pow(2, -24);
                        case 2 -> 65_400;
                        case 3 -> 1e-40;
                        default -> Math.pow(2, random.nextInt(34) - 20);
                    };
            for (int i = 0; i < Quantised.NUMBERS; i++) {
                numbers[group * Quantised.NUMBERS + i] =
                        (float) Math.clamp(random.nextGaussian() * size, -65_400, 65_400);
            }
        }
        return numbers(bytes(rows(numbers, elementBytes)), numbers.length, elementBytes);
    }

    private float[] thereAndBack(float[] numbers, int elementBytes) {
        int size = numbers.length * elementBytes;
        assertThat(quantised.encode(rows(numbers, elementBytes), elementBytes)).isTrue();
        int bytes = Quantised.encodedBytes(size, elementBytes);
        assertThat(quantised.restore(quantised.encoded(), 0, bytes, size, elementBytes)).isTrue();
        return numbers(quantised.restored(), numbers.length, elementBytes);
    }

    /** Half the distance between neighbours in f16, where that is what numbers are kept in. */
    private static double kept(float number, int elementBytes) {
        if (elementBytes == FLOAT) {
            return 0;
        }
        short half = (short) (Float.floatToFloat16(Math.abs(number)) & 0x7fff);
        double next = Float.float16ToFloat((short) (half + 1));
        return (next - Float.float16ToFloat(half)) / 2;
    }

    @Test
    void noNumberIsFurtherOffThanHalfTheScale() {
        var random = new Random(1);
        for (int round = 0; round < 400; round++) {
            int elementBytes = random.nextBoolean() ? HALF : FLOAT;
            float[] numbers = random(random, 1 + random.nextInt(200), elementBytes);

            float[] back = thereAndBack(numbers, elementBytes);

            for (int i = 0; i < numbers.length; i++) {
                double most = scale(quantised.encoded(), i / Quantised.NUMBERS) / 2.0 * SLACK;
                assertThat(Math.abs((double) back[i] - numbers[i]))
                        .as("%s became %s", numbers[i], back[i])
                        .isLessThanOrEqualTo(most + kept(back[i], elementBytes));
            }
        }
    }

    @Test
    void scalesAreNoLargerThanTheyMustBe() {
        var random = new Random(2);
        for (int round = 0; round < 200; round++) {
            float[] numbers = random(random, 20, HALF);
            thereAndBack(numbers, HALF);
            for (int group = 0; group < 20; group++) {
                int from = group * Quantised.NUMBERS;
                float most = 0;
                for (int i = from; i < from + Quantised.NUMBERS; i++) {
                    most = Math.max(most, Math.abs(numbers[i]));
                }
                float scale = scale(quantised.encoded(), group);
                assertThat(scale * 127).isGreaterThanOrEqualTo(most);
                short below = (short) (Float.floatToFloat16(scale) - 1);
                assertThat(scale == 0 || Float.float16ToFloat(below) * 127 < most).isTrue();
            }
        }
    }

    @Test
    void whatWasRoundedOnceIsNearlyTheSameWhenItIsRoundedAgain() {
        var random = new Random(3);
        for (int round = 0; round < 100; round++) {
            float[] once = thereAndBack(random(random, 8, FLOAT), FLOAT);
            float[] twice = thereAndBack(once, FLOAT);
            for (int i = 0; i < once.length; i++) {
                float scale = scale(quantised.encoded(), i / Quantised.NUMBERS);
                assertThat(Math.abs((double) twice[i] - once[i]))
                        .isLessThanOrEqualTo(scale / 2.0 * SLACK);
            }
        }
    }

    @Test
    void theFormIsThatOfGgml() {
        float[] numbers = new float[Quantised.NUMBERS];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = i - 4;
        }
        numbers[0] = -127;
        assertThat(quantised.encode(rows(numbers, HALF), HALF)).isTrue();
        byte[] encoded = quantised.encoded();
        assertThat(scale(encoded, 0)).isEqualTo(1);
        assertThat(Arrays.copyOfRange(encoded, 2, 7)).containsExactly(-127, -3, -2, -1, 0);
        assertThat(encoded[33]).isEqualTo((byte) 27);
    }

    @Test
    void numbersThatNoScaleReachesAreRefused() {
        var random = new Random(4);
        for (float odd :
                new float[] {
                    Float.NaN,
                    Float.POSITIVE_INFINITY,
                    Float.NEGATIVE_INFINITY,
                    65_504,
                    -65_504,
                    1e30f
                }) {
            for (int elementBytes : new int[] {HALF, FLOAT}) {
                float[] numbers = random(random, 70, elementBytes);
                numbers[random.nextInt(numbers.length)] = odd;
                assertThat(quantised.encode(rows(numbers, elementBytes), elementBytes)).isFalse();
            }
        }
    }

    @Test
    void onlyWholeGroupsFit() {
        assertThat(Quantised.fits(64, HALF)).isTrue();
        assertThat(Quantised.fits(128, FLOAT)).isTrue();
        assertThat(Quantised.fits(0, HALF)).isFalse();
        assertThat(Quantised.fits(62, HALF)).isFalse();
        assertThat(Quantised.fits(64, FLOAT)).isFalse();
        assertThat(Quantised.fits(64, 1)).isFalse();
    }

    @Test
    void bytesThatAreNoEncodedPayloadAreRefused() {
        var random = new Random(5);
        float[] numbers = random(random, 10, HALF);
        int size = numbers.length * HALF;
        assertThat(quantised.encode(rows(numbers, HALF), HALF)).isTrue();
        byte[] encoded = Arrays.copyOf(quantised.encoded(), 10 * GROUP_BYTES);
        assertThat(quantised.restore(encoded, 0, encoded.length, size, HALF)).isTrue();
        for (int bytes = 0; bytes < encoded.length; bytes++) {
            assertThat(quantised.restore(encoded, 0, bytes, size, HALF)).isFalse();
        }
        assertThat(quantised.restore(encoded, 0, encoded.length, size + 64, HALF)).isFalse();
        assertThat(quantised.restore(encoded, 0, encoded.length, size, FLOAT)).isFalse();
        for (int scale : new int[] {0x7c00, 0x7e00, 0xfc00, 0xbc00, 0x6400}) {
            byte[] bad = encoded.clone();
            bad[3 * GROUP_BYTES] = (byte) scale;
            bad[3 * GROUP_BYTES + 1] = (byte) (scale >> 8);
            assertThat(quantised.restore(bad, 0, bad.length, size, HALF))
                    .as("scale %x", scale)
                    .isFalse();
        }
    }
}
