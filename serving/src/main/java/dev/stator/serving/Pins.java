package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.HostTier;
import dev.stator.cache.PinSet;
import dev.stator.cache.Tenant;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Pins with a time to live, within a budget of blocks: a block that several pins keep counts once.
 * A tenant's pins are within its quota, too. A pin is named by its last block. Thread-safe.
 */
final class Pins implements AutoCloseable {
    /** Pins take at most this part of the tier. */
    private static final int PINNED_PART = 4;

    static final int MOST = 1024;

    private record Pin(
            PinSet set, List<BlockKey> keys, String tenant, long endNanos, Thread expiry) {}

    private final HostTier tier;
    private final int mostBlocks;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<BlockKey, Pin> pins = new HashMap<>();

    /** By how many pins each block is kept. */
    private final Map<BlockKey, Integer> counts = new HashMap<>();

    /** The same by whose pins these are. */
    private final Map<String, Map<BlockKey, Integer>> countsByTenant = new HashMap<>();

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
     * @param tenant who asks for it
     * @return false if that would be more than the budget, or the tenant's quota
     */
    boolean pin(List<BlockKey> keys, Duration ttl, Tenant tenant) {
        lock.lock();
        try {
            boolean known = pins.containsKey(keys.getLast());
            var own = countsByTenant.getOrDefault(tenant.name(), Map.of());
            if (with(counts, keys) > mostBlocks
                    || with(own, keys) > tenant.quota(tier.options().slots())
                    || (!known && pins.size() == MOST)) {
                return false;
            }
            var set = tier.pin(keys);
            letGo(keys.getLast());
            count(counts, keys);
            count(countsByTenant.computeIfAbsent(tenant.name(), _ -> new HashMap<>()), keys);
            var expiry = Thread.ofVirtual().unstarted(() -> expire(keys.getLast(), set, ttl));
            long end = System.nanoTime() + ttl.toNanos();
            pins.put(keys.getLast(), new Pin(set, List.copyOf(keys), tenant.name(), end, expiry));
            expiry.start();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** The same, but a pin that lasts longer stays as it is. */
    boolean pinAtLeast(List<BlockKey> keys, Duration ttl, Tenant tenant) {
        lock.lock();
        try {
            long end = System.nanoTime() + ttl.toNanos();
            var longer =
                    Optional.ofNullable(pins.get(keys.getLast()))
                            .filter(pin -> pin.endNanos - end >= 0);
            return longer.isPresent() || pin(keys, ttl, tenant);
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

    /** How many blocks are kept if these are, too. */
    private static long with(Map<BlockKey, Integer> counts, List<BlockKey> keys) {
        return counts.size() + keys.stream().filter(key -> !counts.containsKey(key)).count();
    }

    private static void count(Map<BlockKey, Integer> counts, List<BlockKey> keys) {
        keys.forEach(key -> counts.merge(key, 1, Integer::sum));
    }

    private static void discount(Map<BlockKey, Integer> counts, List<BlockKey> keys) {
        keys.forEach(key -> counts.computeIfPresent(key, (_, pins) -> pins == 1 ? null : pins - 1));
    }

    /** Ends a pin. Under the lock. */
    private boolean letGo(BlockKey key) {
        var pin = pins.remove(key);
        if (pin == null) {
            return false;
        }
        discount(counts, pin.keys);
        countsByTenant.computeIfPresent(
                pin.tenant,
                (_, its) -> {
                    discount(its, pin.keys);
                    return its.isEmpty() ? null : its;
                });
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
