package dev.stator.routing;

/** Counts how often each 64-bit key was added and not removed. Open addressing, linear probing. */
final class KeyCounts {
    private static final int LEAST = 64;

    private long[] keys = new long[LEAST];

    /** 0 where the slot is free. */
    private int[] counts = new int[LEAST];

    private int size;

    /** Distinct keys. */
    int size() {
        return size;
    }

    boolean contains(long key) {
        return counts[slot(key)] > 0;
    }

    void add(long key) {
        int slot = slot(key);
        if (counts[slot]++ == 0) {
            keys[slot] = key;
            size++;
            if (2 * size > keys.length) {
                grow();
            }
        }
    }

    /** No-op if it is not there. */
    void remove(long key) {
        int slot = slot(key);
        if (counts[slot] == 0 || --counts[slot] > 0) {
            return;
        }
        size--;
        closeGap(slot);
    }

    /** Moves back what linear probing had put behind the slot that has become free. */
    private void closeGap(int freed) {
        int mask = keys.length - 1;
        int gap = freed;
        for (int at = (gap + 1) & mask; counts[at] > 0; at = (at + 1) & mask) {
            int home = home(keys[at]);
            if (((at - home) & mask) >= ((at - gap) & mask)) {
                keys[gap] = keys[at];
                counts[gap] = counts[at];
                counts[at] = 0;
                gap = at;
            }
        }
    }

    private void grow() {
        long[] oldKeys = keys;
        int[] oldCounts = counts;
        keys = new long[2 * oldKeys.length];
        counts = new int[keys.length];
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldCounts[i] > 0) {
                int slot = slot(oldKeys[i]);
                keys[slot] = oldKeys[i];
                counts[slot] = oldCounts[i];
            }
        }
    }

    /** Where a key is, or where it would go. */
    private int slot(long key) {
        int slot = home(key);
        while (counts[slot] > 0 && keys[slot] != key) {
            slot = (slot + 1) & (keys.length - 1);
        }
        return slot;
    }

    private int home(long key) {
        return (int) (key * 0x9E3779B97F4A7C15L >>> 32) & (keys.length - 1);
    }
}
