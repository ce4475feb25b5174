package dev.stator.cache.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Rounds payloads to 8 bits a number, and restores what is left of them; see {@link
 * PayloadCodec.Q8}. Not thread-safe.
 *
 * <p>As {@code block_q8_0} of ggml, little-endian: of 32 numbers each, a scale (f16) and 32 signed
 * bytes, which times the scale are the numbers. A scale is rounded up, not to the nearest as ggml
 * does, so that no number is further off than half of it, beside what rounding to f16 costs.
 */
final class Quantised {
    /** That share a scale. */
    static final int NUMBERS = 32;

    private static final int GROUP_BYTES = Short.BYTES + NUMBERS;
    private static final int MOST = 127;

    /** The largest scale whose multiples f16 can hold; f32 could hold more than f16 can scale. */
    private static final float MOST_SCALE = 515.5f;

    /** Groups that are worked on together, so that loops are long and stay in a core's cache. */
    private static final int GROUPS = 64;

    private static final int MOST_NUMBERS = GROUPS * NUMBERS;

    /** Added to a small float, its last bits are that float rounded to the nearest integer. */
    private static final float ROUNDING = 1.5f * (1 << 23);

    private static final ValueLayout.OfShort HALF =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final short[] halves = new short[MOST_NUMBERS];
    private final float[] floats = new float[MOST_NUMBERS];
    private final float[] factors = new float[MOST_NUMBERS];
    private final byte[] rounded = new byte[MOST_NUMBERS];
    private byte[] encoded = {};
    private byte[] restored = {};

    /** Whether a payload, or each row of one, can be cut into groups. */
    static boolean fits(int bytes, int elementBytes) {
        return (elementBytes == Short.BYTES || elementBytes == Float.BYTES)
                && bytes > 0
                && bytes % (NUMBERS * elementBytes) == 0;
    }

    /**
     * What a payload takes.
     *
     * @param bytes that {@linkplain #fits fit}
     */
    static int encodedBytes(int bytes, int elementBytes) {
        return bytes / (NUMBERS * elementBytes) * GROUP_BYTES;
    }

    /**
     * Leaves the result in {@link #encoded()}; false if a number is not finite or too large to be
     * scaled.
     *
     * @param rows whose size {@linkplain #fits fits}
     */
    boolean encode(MemorySegment rows, int elementBytes) {
        int size = Math.toIntExact(rows.byteSize());
        int count = size / elementBytes;
        int needed = encodedBytes(size, elementBytes);
        if (encoded.length < needed) {
            encoded = new byte[needed];
        }
        MemorySegment target = MemorySegment.ofArray(encoded);
        for (int from = 0; from < count; from += MOST_NUMBERS) {
            int numbers = Math.min(MOST_NUMBERS, count - from);
            read(rows, (long) from * elementBytes, numbers, elementBytes);
            if (!round(numbers, target, from / NUMBERS)) {
                return false;
            }
        }
        return true;
    }

    /** Its first bytes; there may be more, which mean nothing. */
    byte[] encoded() {
        return encoded;
    }

    private void read(MemorySegment from, long at, int numbers, int elementBytes) {
        if (elementBytes == Float.BYTES) {
            MemorySegment.copy(from, FLOAT, at, floats, 0, numbers);
            return;
        }
        MemorySegment.copy(from, HALF, at, halves, 0, numbers);
        for (int i = 0; i < numbers; i++) {
            floats[i] = Float.float16ToFloat(halves[i]);
        }
    }

    private boolean round(int numbers, MemorySegment target, int firstGroup) {
        for (int from = 0; from < numbers; from += NUMBERS) {
            float scale = scale(from);
            // Also false for what is no number.
            if (!(scale <= MOST_SCALE)) {
                return false;
            }
            long at = (long) (firstGroup + from / NUMBERS) * GROUP_BYTES;
            target.set(HALF, at, Float.floatToFloat16(scale));
            Arrays.fill(factors, from, from + NUMBERS, scale == 0 ? 0 : 1 / scale);
        }
        for (int i = 0; i < numbers; i++) {
            rounded[i] = (byte) Float.floatToRawIntBits(floats[i] * factors[i] + ROUNDING);
        }
        for (int from = 0; from < numbers; from += NUMBERS) {
            int at = (firstGroup + from / NUMBERS) * GROUP_BYTES + Short.BYTES;
            System.arraycopy(rounded, from, encoded, at, NUMBERS);
        }
        return true;
    }

    /** The least f16 of which the group's largest number is no more than 127 times as much. */
    private float scale(int from) {
        float most = 0;
        for (int i = from; i < from + NUMBERS; i++) {
            most = Math.max(most, Math.abs(floats[i]));
        }
        short half = Float.floatToFloat16(most / MOST);
        float scale = Float.float16ToFloat(half);
        return scale * MOST < most ? Float.float16ToFloat((short) (half + 1)) : scale;
    }

    /**
     * Leaves the result in {@link #restored()}; false if these are not {@code size} bytes, encoded.
     */
    boolean restore(byte[] from, int at, int bytes, int size, int elementBytes) {
        if (!fits(size, elementBytes) || encodedBytes(size, elementBytes) != bytes) {
            return false;
        }
        if (restored.length < size) {
            restored = new byte[size];
        }
        MemorySegment source = MemorySegment.ofArray(from).asSlice(at, bytes);
        MemorySegment target = MemorySegment.ofArray(restored);
        int count = size / elementBytes;
        for (int first = 0; first < count; first += MOST_NUMBERS) {
            int numbers = Math.min(MOST_NUMBERS, count - first);
            if (!multiply(source, first / NUMBERS, numbers)) {
                return false;
            }
            write(target, (long) first * elementBytes, numbers, elementBytes);
        }
        return true;
    }

    byte[] restored() {
        return restored;
    }

    private boolean multiply(MemorySegment source, int firstGroup, int numbers) {
        for (int from = 0; from < numbers; from += NUMBERS) {
            long at = (long) (firstGroup + from / NUMBERS) * GROUP_BYTES;
            float scale = Float.float16ToFloat(source.get(HALF, at));
            if (!(scale >= 0 && scale <= MOST_SCALE)) {
                return false;
            }
            MemorySegment.copy(
                    source, ValueLayout.JAVA_BYTE, at + Short.BYTES, rounded, from, NUMBERS);
            Arrays.fill(factors, from, from + NUMBERS, scale);
        }
        for (int i = 0; i < numbers; i++) {
            floats[i] = rounded[i] * factors[i];
        }
        return true;
    }

    private void write(MemorySegment to, long at, int numbers, int elementBytes) {
        if (elementBytes == Float.BYTES) {
            MemorySegment.copy(floats, 0, to, FLOAT, at, numbers);
            return;
        }
        for (int i = 0; i < numbers; i++) {
            halves[i] = Float.floatToFloat16(floats[i]);
        }
        MemorySegment.copy(halves, 0, to, HALF, at, numbers);
    }
}
