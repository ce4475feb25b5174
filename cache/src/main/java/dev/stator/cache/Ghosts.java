package dev.stator.cache;

import java.util.Arrays;
import java.util.Optional;

/**
 * How often evicted blocks were used, and when lately. Bounded: the one that was evicted first is
 * forgotten first.
 *
 * <p>Its entries lie in arrays, 32 bytes each, and are chained from the oldest to the latest. They
 * grow with what it remembers.
 */
final class Ghosts implements KeyTable.Keys {
    /** Hears what is forgotten without having come back. */
    interface Forgotten {
        void forgotten(int frequency, long lastUse);
    }

    /** What is remembered of a block. */
    record Ghost(int frequency, long lastUse) {}

    private static final int LEAST = 16;
    private static final int NONE = KeyTable.NONE;

    /** The last use is in the bits above these, the frequency in them. */
    private static final int FREQUENCY_BITS = Character.SIZE;

    private final int capacity;
    private final KeyTable table;

    // The entries. Those that are free are chained by `later`, too.
    private long[] highs = new long[LEAST];
    private long[] lows = new long[LEAST];
    private long[] uses = new long[LEAST];
    private int[] earlier = new int[LEAST];
    private int[] later = new int[LEAST];

    private int oldest = NONE;
    private int latest = NONE;
    private int free = NONE;
    private int used;

    /**
     * @param capacity blocks to remember, at most {@link KeyTable#MOST}; 0 for none
     */
    Ghosts(int capacity) {
        this.capacity = capacity;
        table = new KeyTable(this, capacity);
    }

    int size() {
        return table.size();
    }

    boolean contains(BlockKey key) {
        return table.contains(key);
    }

    @Override
    public long high(int entry) {
        return highs[entry];
    }

    @Override
    public long low(int entry) {
        return lows[entry];
    }

    /** Remembers a block that is not remembered yet. */
    void remember(BlockKey key, int frequency, long lastUse, Forgotten forgotten) {
        if (capacity == 0) {
            return;
        }
        if (size() == capacity) {
            Ghost first = ghost(oldest);
            forgotten.forgotten(first.frequency, first.lastUse);
            forget(oldest);
        }
        int entry = take();
        highs[entry] = key.high();
        lows[entry] = key.low();
        uses[entry] = lastUse << FREQUENCY_BITS | frequency;
        earlier[entry] = latest;
        later[entry] = NONE;
        if (latest == NONE) {
            oldest = entry;
        } else {
            later[latest] = entry;
        }
        latest = entry;
        table.add(entry);
    }

    /** What is remembered of a block that comes back; then it is no longer. */
    Optional<Ghost> recall(BlockKey key) {
        int entry = table.find(key);
        if (entry == NONE) {
            return Optional.empty();
        }
        Ghost ghost = ghost(entry);
        forget(entry);
        return Optional.of(ghost);
    }

    private Ghost ghost(int entry) {
        return new Ghost(
                (int) (uses[entry] & (1 << FREQUENCY_BITS) - 1), uses[entry] >>> FREQUENCY_BITS);
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

    private void forget(int entry) {
        table.remove(entry);
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
    }

    private void grow() {
        int entries = (int) Math.min(capacity, 2L * highs.length);
        highs = Arrays.copyOf(highs, entries);
        lows = Arrays.copyOf(lows, entries);
        uses = Arrays.copyOf(uses, entries);
        earlier = Arrays.copyOf(earlier, entries);
        later = Arrays.copyOf(later, entries);
    }
}
