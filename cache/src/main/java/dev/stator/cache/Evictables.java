package dev.stator.cache;

import java.util.Arrays;
import java.util.Optional;

/**
 * The blocks that may be evicted now, lowest priority first: a binary heap in which each block
 * knows its place, so that a block that comes into use leaves in O(log n).
 */
final class Evictables {
    private Block[] heap = new Block[16];
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
        }
        place(block, size++);
        up(block);
    }

    void remove(Block block) {
        if (!contains(block)) {
            return;
        }
        int hole = block.queueIndex;
        block.queueIndex = Block.NOT_QUEUED;
        Block last = heap[--size];
        if (last != block) {
            place(last, hole);
            up(last);
            down(last);
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
            if (i > 0 && before(heap[i], heap[(i - 1) / 2])) {
                throw new IllegalStateException("eviction order broken at place " + i);
            }
        }
    }

    private void up(Block block) {
        while (block.queueIndex > 0) {
            Block above = heap[(block.queueIndex - 1) / 2];
            if (!before(block, above)) {
                return;
            }
            swap(block, above);
        }
    }

    private void down(Block block) {
        while (true) {
            int child = 2 * block.queueIndex + 1;
            if (child >= size) {
                return;
            }
            if (child + 1 < size && before(heap[child + 1], heap[child])) {
                child++;
            }
            if (!before(heap[child], block)) {
                return;
            }
            swap(heap[child], block);
        }
    }

    private void swap(Block a, Block b) {
        int place = a.queueIndex;
        place(a, b.queueIndex);
        place(b, place);
    }

    private void place(Block block, int index) {
        heap[index] = block;
        block.queueIndex = index;
    }

    private static boolean before(Block a, Block b) {
        return a.priority != b.priority ? a.priority < b.priority : a.lastUse < b.lastUse;
    }
}
