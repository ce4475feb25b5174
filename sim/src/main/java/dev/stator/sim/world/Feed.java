package dev.stator.sim.world;

import dev.stator.cache.BlockKey;
import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.Place;
import java.util.Arrays;
import java.util.function.Consumer;

/** What changes in one place, in order, batched until somebody sends it. */
final class Feed {
    private static final long[] NO_KEYS = {};

    private final Place place;
    private final Consumer<BlockEvents> out;
    private BlockEvents.Change change = BlockEvents.Change.STORED;
    private long[] keys = new long[16];
    private int size;
    private long sequence;

    Feed(Place place, Consumer<BlockEvents> out) {
        this.place = place;
        this.out = out;
    }

    Place place() {
        return place;
    }

    void stored(BlockKey key) {
        add(BlockEvents.Change.STORED, key);
    }

    void removed(BlockKey key) {
        add(BlockEvents.Change.REMOVED, key);
    }

    void cleared() {
        flush();
        out.accept(new BlockEvents(place, ++sequence, BlockEvents.Change.CLEARED, NO_KEYS));
    }

    private void add(BlockEvents.Change what, BlockKey key) {
        if (what != change) {
            flush();
            change = what;
        }
        if (size == keys.length) {
            keys = Arrays.copyOf(keys, size * 2);
        }
        keys[size++] = key.high();
    }

    /** Sends what is batched. */
    void flush() {
        if (size > 0) {
            out.accept(new BlockEvents(place, ++sequence, change, Arrays.copyOf(keys, size)));
            size = 0;
        }
    }
}
