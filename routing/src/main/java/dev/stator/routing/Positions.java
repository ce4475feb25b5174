package dev.stator.routing;

import java.util.Arrays;

/** A list of workers by position. */
final class Positions {
    private int[] positions = new int[8];
    private int size;

    void clear() {
        size = 0;
    }

    void add(int position) {
        if (size == positions.length) {
            positions = Arrays.copyOf(positions, 2 * size);
        }
        positions[size++] = position;
    }

    int size() {
        return size;
    }

    int get(int i) {
        return positions[i];
    }
}
