package dev.stator.cache;

import java.util.Arrays;

/**
 * Blocks by their last use, the longest ago first: a binary heap in which each block knows its
 * place, so that a block that comes into use leaves in O(log n). All of one account.
 */
final class Evictables {
    private static final int LEAST = 4;

    /** What the blocks have in common, for the {@link EvictionOrder}. */
    final int frequencyClass;

    final int cost;
    private final BlockMetadata blocks;

    /** Their slots. Never more than twice as long as what is in it, but for a few. */
    private int[] heap = new int[LEAST];

    private int size;

    /** Its place in {@link Tops}. */
    int top = Tops.NOWHERE;

    Evictables(BlockMetadata blocks, int frequencyClass, int cost) {
        this.blocks = blocks;
        this.frequencyClass = frequencyClass;
        this.cost = cost;
    }

    int size() {
        return size;
    }

    /** The block must not be in here, nor be used while it is. */
    void add(int slot) {
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, size + size / 2);
        }
        up(slot, blocks.lastUse(slot), size++);
    }

    void remove(int slot) {
        int hole = blocks.place(slot);
        blocks.setPlace(slot, BlockMetadata.NOT_QUEUED);
        size--;
        if (hole < size) {
            int last = heap[size];
            long use = blocks.lastUse(last);
            up(last, use, down(use, hole));
        }
        if (heap.length > LEAST && size < heap.length / 2) {
            heap = Arrays.copyOf(heap, Math.max(LEAST, heap.length - heap.length / 4));
        }
    }

    /** The one whose last use is longest ago; there must be one. */
    int first() {
        return heap[0];
    }

    /** When that one was used last. */
    long firstUse() {
        return blocks.lastUse(heap[0]);
    }

    void checkIntegrity() {
        for (int i = 0; i < size; i++) {
            if (blocks.place(heap[i]) != i) {
                throw new IllegalStateException(
                        "block " + blocks.key(heap[i]) + " has lost its place");
            }
            if (i > 0 && blocks.lastUse(heap[i]) < blocks.lastUse(heap[(i - 1) / 2])) {
                throw new IllegalStateException("eviction order broken at place " + i);
            }
        }
    }

    /** Puts a block into the hole, or further up. */
    private void up(int slot, long use, int hole) {
        while (hole > 0) {
            int above = (hole - 1) / 2;
            if (use >= blocks.lastUse(heap[above])) {
                break;
            }
            put(heap[above], hole);
            hole = above;
        }
        put(slot, hole);
    }

    /** Moves the hole down to where a block of such a use may be; returns its place. */
    private int down(long use, int hole) {
        while (true) {
            int child = 2 * hole + 1;
            if (child >= size) {
                return hole;
            }
            if (child + 1 < size && blocks.lastUse(heap[child + 1]) < blocks.lastUse(heap[child])) {
                child++;
            }
            if (blocks.lastUse(heap[child]) >= use) {
                return hole;
            }
            put(heap[child], hole);
            hole = child;
        }
    }

    private void put(int slot, int place) {
        heap[place] = slot;
        blocks.setPlace(slot, place);
    }
}
