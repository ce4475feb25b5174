package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;
import dev.stator.cache.Inventory;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * What is known to be in the store: a part of what is there, and now and then something that has
 * gone. Bounded; forgets what was not used for longest, and whatever has outlived its life in the
 * store. Not thread-safe.
 */
final class KnownBlocks {
    private final int most;
    private final long lifeNanos;
    private final Inventory inventory;

    /** By when it was used, with when it ends. */
    private final LinkedHashMap<BlockKey, Long> ends = new LinkedHashMap<>(16, 0.75f, true);

    KnownBlocks(int most, long lifeNanos, Inventory inventory) {
        this.most = most;
        this.lifeNanos = lifeNanos;
        this.inventory = inventory;
    }

    void add(BlockKey key, long now) {
        if (ends.put(key, now + lifeNanos) == null) {
            inventory.stored(key);
            if (ends.size() > most) {
                remove(ends.firstEntry().getKey());
            }
        }
    }

    void remove(BlockKey key) {
        if (ends.remove(key) != null) {
            inventory.removed(key);
        }
    }

    boolean contains(BlockKey key, long now) {
        Long end = ends.get(key);
        if (end != null && end - now <= 0) {
            remove(key);
            return false;
        }
        return end != null;
    }

    /** How many keys from {@code from} on are known, without a gap. */
    int match(List<BlockKey> keys, int from, long now) {
        int at = from;
        while (at < keys.size() && contains(keys.get(at), now)) {
            at++;
        }
        // Last blocks first, so that the beginning of a prefix is never forgotten before its end.
        for (int i = at - 1; i >= from; i--) {
            ends.get(keys.get(i));
        }
        return at - from;
    }

    void clear() {
        if (!ends.isEmpty()) {
            ends.clear();
            inventory.cleared();
        }
    }

    int size() {
        return ends.size();
    }
}
