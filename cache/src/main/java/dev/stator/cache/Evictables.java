package dev.stator.cache;

import java.util.Arrays;

/**
 * Blocks by their last use, the longest ago first: a binary heap in which each block knows its
 * place, so that a block that comes into use leaves in O(log n).
 */
final class Evictables {
    /** What the blocks have in common, for the {@link EvictionOrder}. */
    final int frequencyClass;

    final int cost;
    private Block[] heap = new Block[16];

    /** Of the block in the same place, so that a search touches no other blocks. */
    private long[] uses = new long[16];

    private int size;

    Evictables(int frequencyClass, int cost) {
        this.frequencyClass = frequencyClass;
        this.cost = cost;
    }

    int size() {
        return size;
    }

    /** The block must not be in here, nor be used while it is. */
    void add(Block block) {
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, size * 2);
            uses = Arrays.copyOf(uses, size * 2);
        }
        up(block, block.lastUse, size++);
    }

    void remove(Block block) {
        int hole = block.queueIndex;
        block.queueIndex = Block.NOT_QUEUED;
        size--;
        if (hole < size) {
            Block last = heap[size];
            up(last, last.lastUse, down(last.lastUse, hole));
        }
    }

    /** The one whose last use is longest ago; there must be one. */
    Block first() {
        return heap[0];
    }

    /** When that one was used last. */
    long firstUse() {
        return uses[0];
    }

    void checkIntegrity() {
        for (int i = 0; i < size; i++) {
            if (heap[i].queueIndex != i) {
                throw new IllegalStateException("block " + heap[i].key + " has lost its place");
            }
            if (heap[i].lastUse != uses[i]) {
                throw new IllegalStateException("last use of " + heap[i].key + " has changed");
            }
            if (i > 0 && uses[i] < uses[(i - 1) / 2]) {
                throw new IllegalStateException("eviction order broken at place " + i);
            }
        }
    }

    /** Puts a block into the hole, or further up. */
    private void up(Block block, long use, int hole) {
        while (hole > 0) {
            int above = (hole - 1) / 2;
            if (use >= uses[above]) {
                break;
            }
            move(above, hole);
            hole = above;
        }
        heap[hole] = block;
        uses[hole] = use;
        block.queueIndex = hole;
    }

    /** Moves the hole down to where such a block may be; returns its place. */
    private int down(long use, int hole) {
        while (true) {
            int child = 2 * hole + 1;
            if (child >= size) {
                return hole;
            }
            if (child + 1 < size && uses[child + 1] < uses[child]) {
                child++;
            }
            if (uses[child] >= use) {
                return hole;
            }
            move(child, hole);
            hole = child;
        }
    }

    private void move(int from, int to) {
        heap[to] = heap[from];
        uses[to] = uses[from];
        heap[to].queueIndex = to;
    }
}
