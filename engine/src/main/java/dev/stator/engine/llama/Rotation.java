package dev.stator.engine.llama;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Turns rows by a fixed number of positions while copying them. Rows are heads, one after another,
 * and all heads are turned alike: so they are taken as one long row, a few heads at a time, staged
 * in arrays once as they are and once with the partners of each pair swapped.
 *
 * <p>Then every element needs only elements of its own index, in one loop for all pairings, which
 * the compiler makes vector instructions of; it does not if an index is shifted.
 */
final class Rotation implements RowCopy {
    /** As many elements as leave the arrays in the processor's first cache. */
    private static final int STAGED_ELEMENTS = 1024;

    private final Stage stage;

    /** The largest number of elements in whole heads that is staged at once. */
    private final int capacity;

    private final int elementBytes;

    Rotation(Rope rope, int positions) {
        int head = rope.headLength();
        capacity = head * Math.max(1, STAGED_ELEMENTS / head);
        elementBytes = rope.type().bytes();
        var factors = rope.factors(positions, capacity);
        stage =
                rope.type() == KvType.F16
                        ? new Halves(rope, factors, capacity)
                        : new Floats(rope, factors, capacity);
    }

    @Override
    public void copy(
            MemorySegment source,
            long sourceAt,
            MemorySegment target,
            long at,
            int rows,
            int rowBytes) {
        long elements = (long) rows * rowBytes / elementBytes;
        for (long done = 0; done < elements; done += capacity) {
            int now = (int) Math.min(capacity, elements - done);
            stage.load(source, sourceAt + done * elementBytes, now);
            stage.turn(now);
            stage.store(target, at + done * elementBytes, now);
        }
    }

    /** The arrays of one element type. */
    private sealed interface Stage {
        void load(MemorySegment source, long at, int elements);

        void turn(int elements);

        void store(MemorySegment target, long at, int elements);
    }

    private static final class Halves implements Stage {
        private static final ValueLayout.OfShort SHORTS = ValueLayout.JAVA_SHORT_UNALIGNED;

        private final Rope rope;
        private final Rope.Factors factors;
        private final short[] plain;
        private final short[] swapped;
        private final short[] turned;
        private final int[] pairs;
        private final MemorySegment plainBytes;
        private final MemorySegment swappedBytes;
        private final MemorySegment pairBytes;

        Halves(Rope rope, Rope.Factors factors, int capacity) {
            this.rope = rope;
            this.factors = factors;
            plain = new short[capacity];
            swapped = new short[capacity];
            turned = new short[capacity];
            pairs = new int[capacity / 2];
            plainBytes = MemorySegment.ofArray(plain);
            swappedBytes = MemorySegment.ofArray(swapped);
            pairBytes = MemorySegment.ofArray(pairs);
        }

        @Override
        public void load(MemorySegment source, long at, int elements) {
            MemorySegment.copy(source, SHORTS, at, plain, 0, elements);
            if (rope.pairing() == Rope.Pairing.NEIGHBOURS) {
                long bytes = 2L * elements;
                MemorySegment.copy(plainBytes, 0, pairBytes, 0, bytes);
                exchange(pairs, elements / 2);
                MemorySegment.copy(pairBytes, 0, swappedBytes, 0, bytes);
            } else {
                int reach = rope.reach();
                for (int head = 0; head < elements; head += rope.headLength()) {
                    System.arraycopy(plain, head, swapped, head + reach, reach);
                    System.arraycopy(plain, head + reach, swapped, head, reach);
                }
            }
        }

        private static void exchange(int[] pairs, int count) {
            for (int i = 0; i < count; i++) {
                pairs[i] = Integer.rotateLeft(pairs[i], 16);
            }
        }

        @Override
        public void turn(int elements) {
            turn(plain, swapped, factors.own(), factors.partner(), turned, elements);
        }

        private static void turn(
                short[] plain,
                short[] swapped,
                float[] own,
                float[] partner,
                short[] turned,
                int elements) {
            for (int i = 0; i < elements; i++) {
                turned[i] =
                        Float.floatToFloat16(
                                own[i] * Float.float16ToFloat(plain[i])
                                        + partner[i] * Float.float16ToFloat(swapped[i]));
            }
        }

        @Override
        public void store(MemorySegment target, long at, int elements) {
            MemorySegment.copy(turned, 0, target, SHORTS, at, elements);
        }
    }

    /** Kept plain: f32 is there to compare with, not for speed. */
    private static final class Floats implements Stage {
        private static final ValueLayout.OfFloat FLOATS = ValueLayout.JAVA_FLOAT_UNALIGNED;

        private final Rope rope;
        private final Rope.Factors factors;
        private final float[] plain;
        private final float[] turned;

        Floats(Rope rope, Rope.Factors factors, int capacity) {
            this.rope = rope;
            this.factors = factors;
            plain = new float[capacity];
            turned = new float[capacity];
        }

        @Override
        public void load(MemorySegment source, long at, int elements) {
            MemorySegment.copy(source, FLOATS, at, plain, 0, elements);
        }

        @Override
        public void turn(int elements) {
            for (int i = 0; i < elements; i++) {
                float partner = factors.partner()[i];
                turned[i] =
                        partner == 0
                                ? factors.own()[i] * plain[i]
                                : factors.own()[i] * plain[i] + partner * plain[rope.partnerOf(i)];
            }
        }

        @Override
        public void store(MemorySegment target, long at, int elements) {
            MemorySegment.copy(turned, 0, target, FLOATS, at, elements);
        }
    }
}
