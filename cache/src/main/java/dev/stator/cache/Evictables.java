package dev.stator.cache;

import java.util.Arrays;
import java.util.Optional;

/**
 * The blocks that may be evicted now, lowest priority first: a binary heap in which each block
 * knows its place, so that a block that comes into use leaves in O(log n).
 */
final class Evictables {
    private Block[] heap = new Block[16];

    // Of the block in the same place, so that a search touches no other blocks.
    private double[] priorities = new double[16];
    private long[] uses = new long[16];
    private int size;

    int size() {
        return size;
    }

    boolean contains(Block block) {
        return block.queueIndex != Block.NOT_QUEUED;
    }

    /** The block's priority must not change while it is in here. */
    void add(Block block) {
        if (contains(block)) {
            return;
        }
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, size * 2);
            priorities = Arrays.copyOf(priorities, size * 2);
            uses = Arrays.copyOf(uses, size * 2);
        }
        up(block, block.priority, block.lastUse, size++);
    }

    void remove(Block block) {
        if (!contains(block)) {
            return;
        }
        int hole = block.queueIndex;
        block.queueIndex = Block.NOT_QUEUED;
        size--;
        if (hole < size) {
            Block last = heap[size];
            up(last, last.priority, last.lastUse, down(last.priority, last.lastUse, hole));
        }
    }

    Optional<Block> poll() {
        if (size == 0) {
            return Optional.empty();
        }
        Block lowest = heap[0];
        remove(lowest);
        return Optional.of(lowest);
    }

    void checkIntegrity() {
        for (int i = 0; i < size; i++) {
            if (heap[i].queueIndex != i) {
                throw new IllegalStateException("block " + heap[i].key + " has lost its place");
            }
            if (heap[i].priority != priorities[i] || heap[i].lastUse != uses[i]) {
                throw new IllegalStateException("priority of " + heap[i].key + " has changed");
            }
            if (i > 0 && before(i, priorities[(i - 1) / 2], uses[(i - 1) / 2])) {
                throw new IllegalStateException("eviction order broken at place " + i);
            }
        }
    }

    /** Puts a block into the hole, or further up. */
    private void up(Block block, double priority, long use, int hole) {
        while (hole > 0) {
            int above = (hole - 1) / 2;
            if (!before(priority, use, above)) {
                break;
            }
            move(above, hole);
            hole = above;
        }
        heap[hole] = block;
        priorities[hole] = priority;
        uses[hole] = use;
        block.queueIndex = hole;
    }

    /** Moves the hole down to where such a block may be; returns its place. */
    private int down(double priority, long use, int hole) {
        while (true) {
            int child = 2 * hole + 1;
            if (child >= size) {
                return hole;
            }
            if (child + 1 < size && before(child + 1, priorities[child], uses[child])) {
                child++;
            }
            if (!before(child, priority, use)) {
                return hole;
            }
            move(child, hole);
            hole = child;
        }
    }

    private void move(int from, int to) {
        heap[to] = heap[from];
        priorities[to] = priorities[from];
        uses[to] = uses[from];
        heap[to].queueIndex = to;
    }

    private boolean before(int place, double priority, long use) {
        return priorities[place] != priority ? priorities[place] < priority : uses[place] < use;
    }

    private boolean before(double priority, long use, int place) {
        return priority != priorities[place] ? priority < priorities[place] : use < uses[place];
    }
}
