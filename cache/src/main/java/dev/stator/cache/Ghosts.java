package dev.stator.cache;

import java.util.LinkedHashMap;

/**
 * How often evicted blocks were used. Bounded; a frequency halves each time as many blocks as fit
 * have been evicted since.
 */
final class Ghosts {
    private record Ghost(int frequency, long era) {}

    private final int capacity;
    private final LinkedHashMap<BlockKey, Ghost> ghosts = new LinkedHashMap<>();
    private long evictions;

    Ghosts(int capacity) {
        this.capacity = capacity;
    }

    int size() {
        return ghosts.size();
    }

    boolean contains(BlockKey key) {
        return ghosts.containsKey(key);
    }

    void remember(BlockKey key, int frequency) {
        evictions++;
        ghosts.put(key, new Ghost(frequency, era()));
        if (ghosts.size() > capacity) {
            ghosts.pollFirstEntry();
        }
    }

    /** The aged frequency of a block that comes back; 0 if it is not remembered. */
    int recall(BlockKey key) {
        Ghost ghost = ghosts.remove(key);
        if (ghost == null) {
            return 0;
        }
        long halvings = Math.min(Integer.SIZE - 1, era() - ghost.era());
        return ghost.frequency() >> halvings;
    }

    private long era() {
        return evictions / capacity;
    }
}
