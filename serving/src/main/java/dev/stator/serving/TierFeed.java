package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.Inventory;
import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.Place;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Tells the router's index, and routers elsewhere, what one place holds. A block may lie there
 * several times; it is gone when the last is. Its monitor is held while the index and the observers
 * are told, so that they hear in order.
 */
final class TierFeed implements Inventory {
    private final Place place;
    private final BlockIndex index;
    private final Consumer<BlockEvents> observer;
    private final Map<Long, Integer> held = new HashMap<>();
    private long sequence;

    /** Of a place that only this process hears of. */
    TierFeed(Place place, BlockIndex index) {
        this(place, index, _ -> {});
    }

    TierFeed(Place place, BlockIndex index, Consumer<BlockEvents> observer) {
        this.place = place;
        this.index = index;
        this.observer = observer;
    }

    /** All that it holds now. */
    synchronized Holding holding() {
        return new Holding(
                place, sequence, held.keySet().stream().mapToLong(Long::longValue).toArray());
    }

    synchronized void stored(List<BlockKey> keys) {
        send(
                BlockEvents.Change.STORED,
                keys.stream()
                        .mapToLong(BlockKey::high)
                        .filter(key -> held.merge(key, 1, Integer::sum) == 1)
                        .toArray());
    }

    synchronized void removed(List<BlockKey> keys) {
        send(
                BlockEvents.Change.REMOVED,
                keys.stream().mapToLong(BlockKey::high).filter(this::lets).toArray());
    }

    /** Whether that was the last of its kind. */
    private boolean lets(long key) {
        return held.computeIfPresent(key, (_, count) -> count == 1 ? null : count - 1) == null;
    }

    /** The index has dropped the place, and begins to listen anew. */
    synchronized void beginAnew() {
        held.clear();
        sequence = 0;
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
    public synchronized void cleared() {
        held.clear();
        send(BlockEvents.Change.CLEARED, new long[0]);
    }

    private void send(BlockEvents.Change change, long[] keys) {
        if (keys.length > 0 || change == BlockEvents.Change.CLEARED) {
            var events = new BlockEvents(place, ++sequence, change, keys);
            index.apply(events);
            observer.accept(events);
        }
    }
}
