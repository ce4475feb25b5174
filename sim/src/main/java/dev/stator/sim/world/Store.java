package dev.stator.sim.world;

import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockLedger;
import dev.stator.cache.Eviction;
import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.Place;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** A tier below the device: host memory or files of a node, or a remote store. */
final class Store {
    private final BlockLedger ledger;
    private final Feed feed;
    private final double blockNanos;
    private final Pipe reads = new Pipe();
    private final Pipe writes = new Pipe();

    // What has changed and the routers were not told. To store one block evicts another; told in
    // this order each block would be a batch of its own, so what went is told before what came.
    private final List<BlockKey> gone = new ArrayList<>();
    private final List<BlockKey> come = new ArrayList<>();

    Store(Place place, Storage storage, long blockBytes, Consumer<BlockEvents> events) {
        feed = new Feed(place, events);
        blockNanos = blockBytes / storage.bytesPerSecond() * 1e9;
        int slots = (int) Math.clamp(storage.bytes() / blockBytes, 1, Integer.MAX_VALUE / 8);
        ledger = new BlockLedger(slots, Eviction.BY_REUSE, this::evicted);
    }

    Place place() {
        return feed.place();
    }

    /** When it has given so many blocks that are asked for now. */
    long read(long now, int blocks) {
        return reads.reserve(now, (long) (blocks * blockNanos));
    }

    /** When it has taken so many blocks that are written from now on. */
    long write(long now, int blocks) {
        return writes.reserve(now, (long) (blocks * blockNanos));
    }

    boolean holds(BlockKey key) {
        return ledger.contains(key);
    }

    /** Counts a use of a block that is read. */
    void use(BlockKey key) {
        if (ledger.lease(key)) {
            ledger.unlease(key);
        }
    }

    void store(BlockKey key, Optional<BlockKey> parent, long recomputeMicros) {
        if (ledger.store(key, parent, recomputeMicros)) {
            come.add(key);
        }
    }

    private void evicted(BlockKey key) {
        if (come.contains(key)) {
            publish();
        }
        gone.add(key);
    }

    /** Stores the blocks of one sequence and tells the routers. */
    void store(long[] keys) {
        var parent = Optional.<BlockKey>empty();
        for (long each : keys) {
            var key = new BlockKey(each, 0);
            store(key, parent, 1);
            parent = Optional.of(key);
        }
        publish();
    }

    /** Tells the routers what has changed. */
    void publish() {
        gone.forEach(feed::removed);
        come.forEach(feed::stored);
        feed.flush();
        gone.clear();
        come.clear();
    }

    void checkIntegrity() {
        ledger.checkIntegrity();
    }
}
