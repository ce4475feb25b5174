package dev.stator.cache;

import java.util.Arrays;
import java.util.BitSet;
import java.util.stream.IntStream;

/**
 * The slots that hold no block. A slot is fresh until the file system has given it space, and
 * backed from then on.
 */
final class SlotPool {
    /** No slot. */
    static final int NONE = -1;

    private final int slots;
    private final Stack backed = new Stack();

    /** Fresh slots that were given back; all from {@code untaken} on are fresh, too. */
    private final Stack fresh = new Stack();

    private final BitSet everBacked = new BitSet();
    private int untaken;

    SlotPool(int slots) {
        this.slots = slots;
    }

    int takeBacked() {
        return backed.size == 0 ? NONE : backed.pop();
    }

    int takeFresh() {
        if (fresh.size > 0) {
            return fresh.pop();
        }
        return untaken == slots ? NONE : untaken++;
    }

    boolean isBacked(int slot) {
        return everBacked.get(slot);
    }

    void markBacked(int slot) {
        everBacked.set(slot);
    }

    void giveBack(int slot) {
        (everBacked.get(slot) ? backed : fresh).push(slot);
    }

    /** Slots that have space on the file system, free or not. */
    int backed() {
        return everBacked.cardinality();
    }

    int free() {
        return backed.size + fresh.size + slots - untaken;
    }

    /** The free slots; throws if one is free twice. */
    BitSet freeSlots() {
        BitSet free = new BitSet();
        IntStream.concat(backed.all(), fresh.all()).forEach(free::set);
        free.set(untaken, slots);
        if (free.cardinality() != free()) {
            throw new IllegalStateException("a slot is free twice");
        }
        return free;
    }

    /** Takes memory for what is in it, as a tier that runs has next to no free slots. */
    private static final class Stack {
        private static final int LEAST = 16;

        private int[] all = new int[LEAST];
        private int size;

        void push(int slot) {
            if (size == all.length) {
                all = Arrays.copyOf(all, size + size / 2);
            }
            all[size++] = slot;
        }

        int pop() {
            int slot = all[--size];
            if (all.length > LEAST && size < all.length / 4) {
                all = Arrays.copyOf(all, Math.max(LEAST, all.length / 2));
            }
            return slot;
        }

        IntStream all() {
            return Arrays.stream(all, 0, size);
        }
    }
}
