package dev.stator.routing.index;

import java.util.Arrays;

/**
 * What {@link BlockIndex#match} found: places and how many leading blocks of the prompt each holds,
 * shallowest first. A buffer to be used again, by one thread at a time.
 */
public final class Matches {
    private final PrefixSearch search = new PrefixSearch();
    private int[] place = new int[16];
    private int[] depth = new int[16];
    private int size;

    /** How many places hold at least the first block. */
    public int places() {
        return size;
    }

    /** The number of the i-th place, for {@link BlockIndex#place(int)}. */
    public int place(int i) {
        return place[i];
    }

    /** How many leading blocks the i-th place holds, at least 1. */
    public int depth(int i) {
        return depth[i];
    }

    PrefixSearch search() {
        return search;
    }

    void clear() {
        size = 0;
    }

    void add(int number, int blocks) {
        if (size == place.length) {
            place = Arrays.copyOf(place, 2 * size);
            depth = Arrays.copyOf(depth, 2 * size);
        }
        place[size] = number;
        depth[size] = blocks;
        size++;
    }
}
