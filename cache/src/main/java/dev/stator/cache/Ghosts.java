package dev.stator.cache;

import java.util.Arrays;

/**
 * How often evicted blocks were used, and when lately. Bounded: the one that was evicted first is
 * forgotten first.
 *
 * <p>A hash table with linear probing whose entries lie in arrays and are chained from the oldest
 * to the latest. It grows with what it remembers.
 */
final class Ghosts {
    /** Hears what is forgotten without having come back. */
    interface Forgotten {
        void forgotten(int frequency, long lastUse);
    }

    private static final int LEAST = 16;
    private static final int NONE = -1;

    /** 2^64 over the golden ratio: spreads keys that differ in a few bits only. */
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    private final int capacity;

    /** Entries by hash; {@link #NONE} where there is none. Twice as many places as entries. */
    private int[] table = new int[2 * LEAST];

    // The entries. Those that are free are chained by `later`, too.
    private long[] highs = new long[LEAST];
    private long[] lows = new long[LEAST];
    private int[] frequencies = new int[LEAST];
    private long[] lastUses = new long[LEAST];
    private int[] earlier = new int[LEAST];
    private int[] later = new int[LEAST];

    private int oldest = NONE;
    private int latest = NONE;
    private int free = NONE;
    private int used;
    private int size;

    /**
     * @param capacity blocks to remember; 0 for none
     */
    Ghosts(int capacity) {
        this.capacity = capacity;
        Arrays.fill(table, NONE);
    }

    int size() {
        return size;
    }

    boolean contains(BlockKey key) {
        return table[place(key.high(), key.low())] != NONE;
    }

    /** Remembers a block that is not remembered yet. */
    void remember(Block block, Forgotten forgotten) {
        if (capacity == 0) {
            return;
        }
        if (size == capacity) {
            forgotten.forgotten(frequencies[oldest], lastUses[oldest]);
            forget(place(highs[oldest], lows[oldest]));
        }
        BlockKey key = block.key;
        int entry = take();
        highs[entry] = key.high();
        lows[entry] = key.low();
        frequencies[entry] = block.frequency;
        lastUses[entry] = block.lastUse;
        earlier[entry] = latest;
        later[entry] = NONE;
        if (latest == NONE) {
            oldest = entry;
        } else {
            later[latest] = entry;
        }
        latest = entry;
        table[place(key.high(), key.low())] = entry;
        size++;
    }

    /** Gives a block that comes back its uses, if it is remembered; then it is no longer. */
    void recall(Block block) {
        int place = place(block.key.high(), block.key.low());
        int entry = table[place];
        if (entry != NONE) {
            block.frequency = frequencies[entry];
            block.lastUse = lastUses[entry];
            forget(place);
        }
    }

    private int take() {
        if (free != NONE) {
            int entry = free;
            free = later[entry];
            return entry;
        }
        if (used == highs.length) {
            grow();
        }
        return used++;
    }

    private void forget(int place) {
        int entry = table[place];
        if (earlier[entry] == NONE) {
            oldest = later[entry];
        } else {
            later[earlier[entry]] = later[entry];
        }
        if (later[entry] == NONE) {
            latest = earlier[entry];
        } else {
            earlier[later[entry]] = earlier[entry];
        }
        later[entry] = free;
        free = entry;
        size--;
        close(place);
    }

    /** Frees a place of the table; entries that had to make way for it move up. */
    private void close(int hole) {
        int mask = table.length - 1;
        for (int next = hole + 1 & mask; table[next] != NONE; next = next + 1 & mask) {
            int home = home(highs[table[next]]);
            if ((next - home & mask) >= (next - hole & mask)) {
                table[hole] = table[next];
                hole = next;
            }
        }
        table[hole] = NONE;
    }

    private int place(long high, long low) {
        int mask = table.length - 1;
        int place = home(high);
        for (int entry = table[place]; entry != NONE; entry = table[place]) {
            if (highs[entry] == high && lows[entry] == low) {
                break;
            }
            place = place + 1 & mask;
        }
        return place;
    }

    private int home(long high) {
        return (int) (high * SPREAD >>> Long.numberOfLeadingZeros(table.length - 1L));
    }

    private void grow() {
        int entries = Math.min(capacity, highs.length * 2);
        highs = Arrays.copyOf(highs, entries);
        lows = Arrays.copyOf(lows, entries);
        frequencies = Arrays.copyOf(frequencies, entries);
        lastUses = Arrays.copyOf(lastUses, entries);
        earlier = Arrays.copyOf(earlier, entries);
        later = Arrays.copyOf(later, entries);
        table = new int[2 * Math.max(LEAST, Integer.highestOneBit(2 * entries - 1))];
        Arrays.fill(table, NONE);
        // Nothing is free now: all entries are remembered.
        for (int entry = 0; entry < used; entry++) {
            table[place(highs[entry], lows[entry])] = entry;
        }
    }
}
