package dev.stator.models;

import java.nio.ByteBuffer;
import java.util.Random;

/**
 * Fills blocks of tensors with random weights of a given standard deviation and mean zero, the same
 * ones for the same seed. Eight bytes of randomness cost one SplitMix64 step, so that the disk is
 * the limit.
 */
final class RandomWeights {
    private static final int SAMPLES = 256;

    /** Standard deviation of a Q4_0 element in steps: 1 to 15 evenly, twice the zero. */
    private static final double Q4_0_DEVIATION = Math.sqrt(280.0 / 16);

    /** Of a Q8_0 element in steps: -127 to 127 evenly. */
    private static final double Q8_0_DEVIATION = Math.sqrt((255.0 * 255 - 1) / 12);

    /** Of a Q6_K element in steps of its scale: -32 to 31 evenly. */
    private static final double Q6_K_DEVIATION = Math.sqrt((64.0 * 64 - 1) / 12 + 0.25);

    /** Magnitude of Q6_K's scales; their signs are random, else all weights would lean one way. */
    private static final int Q6_K_SCALE = 8;

    private static final float[] NORMAL = normalSamples();

    private final GgmlType type;
    private final short[] samples16 = new short[SAMPLES];
    private final float[] samples32 = new float[SAMPLES];
    private final short delta;
    private long state;

    RandomWeights(long seed, GgmlType type, float deviation) {
        this.state = seed;
        this.type = type;
        for (int i = 0; i < SAMPLES; i++) {
            samples32[i] = NORMAL[i] * deviation;
            samples16[i] = Float.floatToFloat16(samples32[i]);
        }
        double steps =
                switch (type) {
                    case Q4_0 -> Q4_0_DEVIATION;
                    case Q8_0 -> Q8_0_DEVIATION;
                    case Q6_K -> Q6_K_DEVIATION * Q6_K_SCALE;
                    case F16, F32 -> 1;
                    default ->
                            throw new IllegalArgumentException("no random weights of type " + type);
                };
        this.delta = Float.floatToFloat16((float) (deviation / steps));
    }

    /** Writes whole blocks until the buffer has no room for another, or {@code blocks} of them. */
    long fill(ByteBuffer buffer, long blocks) {
        long count = Math.min(blocks, buffer.remaining() / type.blockBytes);
        switch (type) {
            case Q4_0 -> fillQ4(buffer, count);
            case Q8_0 -> fillQ8(buffer, count);
            case Q6_K -> fillQ6(buffer, count);
            case F16 -> fillHalves(buffer, count);
            default -> fillFloats(buffer, count);
        }
        return count;
    }

    private void fillQ4(ByteBuffer buffer, long blocks) {
        for (long i = 0; i < blocks; i++) {
            buffer.putShort(delta);
            buffer.putLong(balancedNibbles(next()));
            buffer.putLong(balancedNibbles(next()));
        }
    }

    /** Nibbles 0 become 8, which stands for zero: without -8 the mean is zero. */
    private static long balancedNibbles(long bits) {
        long zero = ~(bits | bits >>> 1 | bits >>> 2 | bits >>> 3) & 0x1111111111111111L;
        return bits | zero << 3;
    }

    private void fillQ8(ByteBuffer buffer, long blocks) {
        for (long i = 0; i < blocks; i++) {
            buffer.putShort(delta);
            for (int j = 0; j < 4; j++) {
                buffer.putLong(balancedBytes(next()));
            }
        }
    }

    /** Bytes -128, which the quantiser never makes, become 0. */
    private static long balancedBytes(long bits) {
        long low = 0x7f7f7f7f7f7f7f7fL;
        long flipped = bits ^ ~low;
        return bits ^ ~((flipped & low) + low | flipped | low);
    }

    private void fillQ6(ByteBuffer buffer, long blocks) {
        for (long i = 0; i < blocks; i++) {
            for (int j = 0; j < 24; j++) {
                buffer.putLong(next());
            }
            buffer.putLong(signedScales(next()));
            buffer.putLong(signedScales(next()));
            buffer.putShort(delta);
        }
    }

    /** Eight bytes, each {@link #Q6_K_SCALE} or its negative. */
    private static long signedScales(long bits) {
        return 0x0101010101010101L * Q6_K_SCALE | (bits & 0x1010101010101010L) * 0xf;
    }

    private void fillHalves(ByteBuffer buffer, long elements) {
        long bits = 0;
        for (long i = 0; i < elements; i++) {
            bits = (i & 7) == 0 ? next() : bits >>> 8;
            buffer.putShort(samples16[(int) (bits & 0xff)]);
        }
    }

    private void fillFloats(ByteBuffer buffer, long elements) {
        for (long i = 0; i < elements; i++) {
            buffer.putFloat(samples32[(int) (next() & 0xff)]);
        }
    }

    private long next() {
        state += 0x9e3779b97f4a7c15L;
        long mixed = (state ^ state >>> 30) * 0xbf58476d1ce4e5b9L;
        mixed = (mixed ^ mixed >>> 27) * 0x94d049bb133111ebL;
        return mixed ^ mixed >>> 31;
    }

    /** Normally distributed, of mean 0 and deviation 1 exactly. */
    private static float[] normalSamples() {
        var random = new Random(1);
        double[] halves = random.doubles(SAMPLES / 2).map(_ -> random.nextGaussian()).toArray();
        double squares = 0;
        for (double value : halves) {
            squares += value * value;
        }
        double deviation = Math.sqrt(squares / halves.length);
        float[] samples = new float[SAMPLES];
        for (int i = 0; i < halves.length; i++) {
            samples[2 * i] = (float) (halves[i] / deviation);
            samples[2 * i + 1] = -samples[2 * i];
        }
        return samples;
    }
}
