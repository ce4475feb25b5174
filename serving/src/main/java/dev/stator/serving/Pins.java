package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.HostTier;
import dev.stator.cache.PinSet;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Pins with a time to live, within a budget of blocks: a block that several pins keep counts once.
 * A pin is named by its last block. Thread-safe.
 */
final class Pins implements AutoCloseable {
    /** Pins take at most this part of the tier. */
    private static final int PINNED_PART = 4;

    static final int MOST = 1024;

    private record Pin(PinSet set, List<BlockKey> keys, long endNanos, Thread expiry) {}

    private final HostTier tier;
    private final int mostBlocks;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<BlockKey, Pin> pins = new HashMap<>();

    /** By how many pins each block is kept. */
    private final Map<BlockKey, Integer> counts = new HashMap<>();

    Pins(HostTier tier) {
        this.tier = tier;
        this.mostBlocks = tier.options().slots() / PINNED_PART;
    }

    int mostBlocks() {
        return mostBlocks;
    }

    int blocks() {
        lock.lock();
        try {
            return counts.size();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Keeps blocks from eviction, now and when they arrive. What is pinned by the same last key
     * already is pinned anew.
     *
     * @param keys a prefix, at least one block
     * @return false if that would be more than the budget
     */
    boolean pin(List<BlockKey> keys, Duration ttl) {
        lock.lock();
        try {
            boolean known = pins.containsKey(keys.getLast());
            long more = keys.stream().filter(key -> !counts.containsKey(key)).count();
            if (counts.size() + more > mostBlocks || (!known && pins.size() == MOST)) {
                return false;
            }
            var set = tier.pin(keys);
            keys.forEach(key -> counts.merge(key, 1, Integer::sum));
            letGo(keys.getLast());
            var expiry = Thread.ofVirtual().unstarted(() -> expire(keys.getLast(), set, ttl));
            long end = System.nanoTime() + ttl.toNanos();
            pins.put(keys.getLast(), new Pin(set, List.copyOf(keys), end, expiry));
            expiry.start();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** The same, but a pin that lasts longer stays as it is. */
    boolean pinAtLeast(List<BlockKey> keys, Duration ttl) {
        lock.lock();
        try {
            long end = System.nanoTime() + ttl.toNanos();
            var longer =
                    Optional.ofNullable(pins.get(keys.getLast()))
                            .filter(pin -> pin.endNanos - end >= 0);
            return longer.isPresent() || pin(keys, ttl);
        } finally {
            lock.unlock();
        }
    }

    private void expire(BlockKey key, PinSet set, Duration ttl) {
        try {
            Thread.sleep(ttl);
        } catch (InterruptedException _) {
            return;
        }
        lock.lock();
        try {
            if (Optional.ofNullable(pins.get(key)).filter(pin -> pin.set == set).isPresent()) {
                letGo(key);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Ends a pin. Under the lock. */
    private boolean letGo(BlockKey key) {
        var pin = pins.remove(key);
        if (pin == null) {
            return false;
        }
        for (var kept : pin.keys) {
            counts.computeIfPresent(kept, (_, count) -> count == 1 ? null : count - 1);
        }
        pin.set.close();
        pin.expiry.interrupt();
        return true;
    }

    /**
     * @return whether there was such a pin
     */
    boolean unpin(BlockKey key) {
        lock.lock();
        try {
            return letGo(key);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            List.copyOf(pins.keySet()).forEach(this::letGo);
        } finally {
            lock.unlock();
        }
    }
}
