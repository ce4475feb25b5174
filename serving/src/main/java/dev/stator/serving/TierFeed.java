package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.Inventory;
import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.Place;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Tells the router's index what one place holds. A block may lie there several times; it is gone
 * when the last is. Confined to the place's owner: its lock, or its thread.
 */
final class TierFeed implements Inventory {
    private final Place place;
    private final BlockIndex index;
    private final Map<Long, Integer> held = new HashMap<>();
    private long sequence;

    TierFeed(Place place, BlockIndex index) {
        this.place = place;
        this.index = index;
    }

    void stored(List<BlockKey> keys) {
        send(
                BlockEvents.Change.STORED,
                keys.stream()
                        .mapToLong(BlockKey::high)
                        .filter(key -> held.merge(key, 1, Integer::sum) == 1)
                        .toArray());
    }

    void removed(List<BlockKey> keys) {
        send(
                BlockEvents.Change.REMOVED,
                keys.stream().mapToLong(BlockKey::high).filter(this::lets).toArray());
    }

    /** Whether that was the last of its kind. */
    private boolean lets(long key) {
        return held.computeIfPresent(key, (_, count) -> count == 1 ? null : count - 1) == null;
    }

    @Override
    public void stored(BlockKey key) {
        stored(List.of(key));
    }

    @Override
    public void removed(BlockKey key) {
        removed(List.of(key));
    }

    @Override
    public void cleared() {
        held.clear();
        send(BlockEvents.Change.CLEARED, new long[0]);
    }

    private void send(BlockEvents.Change change, long[] keys) {
        if (keys.length > 0 || change == BlockEvents.Change.CLEARED) {
            index.apply(new BlockEvents(place, ++sequence, change, keys));
        }
    }
}
