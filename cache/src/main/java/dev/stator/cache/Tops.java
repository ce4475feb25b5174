package dev.stator.cache;

import java.util.Arrays;

/**
 * The heaps of one kind of blocks that are not empty, of all accounts: a binary heap of them by
 * their first blocks, so that the first block of all is found without looking through the accounts.
 */
final class Tops {
    /** A heap that is in none. */
    static final int NOWHERE = -1;

    private Evictables[] heaps = new Evictables[1];
    private int size;

    boolean isEmpty() {
        return size == 0;
    }

    /** The heap with the block whose last use is longest ago; there must be one. */
    Evictables first() {
        return heaps[0];
    }

    /** To be called when a heap of this kind has changed. */
    void changed(Evictables heap) {
        if (heap.size() == 0) {
            remove(heap);
        } else if (heap.top == NOWHERE) {
            if (size == heaps.length) {
                heaps = Arrays.copyOf(heaps, 2 * size);
            }
            up(heap, size++);
        } else {
            up(heap, down(heap.firstUse(), heap.top));
        }
    }

    private void remove(Evictables heap) {
        int hole = heap.top;
        if (hole == NOWHERE) {
            return;
        }
        heap.top = NOWHERE;
        size--;
        Evictables last = heaps[size];
        if (hole < size) {
            up(last, down(last.firstUse(), hole));
        }
        // Not kept from being collected by a place that is out of use.
        heaps[size] = heaps[0];
    }

    private void up(Evictables heap, int from) {
        int hole = from;
        long use = heap.firstUse();
        while (hole > 0 && use < heaps[(hole - 1) / 2].firstUse()) {
            put(heaps[(hole - 1) / 2], hole);
            hole = (hole - 1) / 2;
        }
        put(heap, hole);
    }

    private int down(long use, int from) {
        int hole = from;
        while (true) {
            int child = 2 * hole + 1;
            if (child >= size) {
                return hole;
            }
            if (child + 1 < size && heaps[child + 1].firstUse() < heaps[child].firstUse()) {
                child++;
            }
            if (heaps[child].firstUse() >= use) {
                return hole;
            }
            put(heaps[child], hole);
            hole = child;
        }
    }

    private void put(Evictables heap, int place) {
        heaps[place] = heap;
        heap.top = place;
    }

    /** Returns how many blocks are in the heaps. */
    int checkIntegrity() {
        int blocks = 0;
        for (int i = 0; i < size; i++) {
            if (heaps[i].top != i || heaps[i].size() == 0) {
                throw new IllegalStateException("a heap has lost its place");
            }
            if (i > 0 && heaps[i].firstUse() < heaps[(i - 1) / 2].firstUse()) {
                throw new IllegalStateException("the order of heaps is broken at place " + i);
            }
            heaps[i].checkIntegrity();
            blocks += heaps[i].size();
        }
        return blocks;
    }
}
