package dev.stator.cache;

import java.util.BitSet;

/**
 * The slots that hold no block. A slot is fresh until the file system has given it space, and
 * backed from then on.
 */
final class SlotPool {
    /** No slot. */
    static final int NONE = -1;

    private final int[] backedSlots;
    private final int[] freshSlots;
    private final BitSet everBacked;
    private int backedCount;
    private int freshCount;

    SlotPool(int slots) {
        backedSlots = new int[slots];
        freshSlots = new int[slots];
        everBacked = new BitSet(slots);
        for (int slot = slots - 1; slot >= 0; slot--) {
            freshSlots[freshCount++] = slot;
        }
    }

    int takeBacked() {
        return backedCount == 0 ? NONE : backedSlots[--backedCount];
    }

    int takeFresh() {
        return freshCount == 0 ? NONE : freshSlots[--freshCount];
    }

    boolean isBacked(int slot) {
        return everBacked.get(slot);
    }

    void markBacked(int slot) {
        everBacked.set(slot);
    }

    void giveBack(int slot) {
        if (everBacked.get(slot)) {
            backedSlots[backedCount++] = slot;
        } else {
            freshSlots[freshCount++] = slot;
        }
    }

    /** Slots that have space on the file system, free or not. */
    int backed() {
        return everBacked.cardinality();
    }

    int free() {
        return backedCount + freshCount;
    }

    /** The free slots; throws if one is free twice. */
    BitSet freeSlots() {
        BitSet free = new BitSet();
        for (int i = 0; i < backedCount; i++) {
            free.set(backedSlots[i]);
        }
        for (int i = 0; i < freshCount; i++) {
            free.set(freshSlots[i]);
        }
        if (free.cardinality() != free()) {
            throw new IllegalStateException("a slot is free twice");
        }
        return free;
    }
}
