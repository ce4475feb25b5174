package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.CachedPrefix;
import dev.stator.cache.HostTier;
import dev.stator.cache.PinSet;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What an operator can see and do of the host tier. Prefixes are named by the key of their last
 * block, which says nothing of their text. Thread-safe.
 */
public final class CacheControl implements AutoCloseable {
    /** Pins take at most this part of the tier. */
    private static final int PINNED_PART = 4;

    private static final int MOST_PINS = 1024;

    /** How prefixes are ordered. */
    public enum Order {
        /** Those first whose reads have saved most tokens. */
        SAVED,
        /** Those first that were used last. */
        LATEST
    }

    /**
     * @param key of its last block, 32 hexadecimal digits
     * @param uses of its last block, the write that stored it included
     * @param savedTokens tokens that reading it has saved so far
     */
    public record Prefix(
            String key, int blocks, int tokens, int uses, long savedTokens, boolean pinned) {}

    /** What became of a wish to pin. */
    public sealed interface Pinned {
        record Done(int blocks, Duration forHowLong) implements Pinned {}

        /** There is no such prefix. */
        record Unknown() implements Pinned {}

        /** Pins have as many blocks, or there are as many, as may be. */
        record TooMany(int blocks, int pinnedBlocks, int mostBlocks, int mostPins)
                implements Pinned {}
    }

    private record Pin(PinSet set, int blocks, Thread expiry) {}

    private final HostTier tier;
    private final Optional<CacheFiles> files;
    private final int mostBlocks;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<BlockKey, Pin> pins = new HashMap<>();
    private int pinnedBlocks;

    CacheControl(HostTier tier, Optional<CacheFiles> files) {
        this.tier = tier;
        this.files = files;
        this.mostBlocks = tier.options().slots() / PINNED_PART;
    }

    /** Prefixes as files; empty if there is no key for them. */
    public Optional<CacheFiles> files() {
        return files;
    }

    /** Takes time in the number of blocks; the tier stands still for a part of it. */
    public List<Prefix> prefixes(Order order, int most) {
        var comparator =
                order == Order.SAVED
                        ? Comparator.comparingLong(CachedPrefix::savedTokens).reversed()
                        : Comparator.comparingLong(CachedPrefix::idleUses);
        return tier.prefixes().stream()
                .sorted(comparator)
                .limit(most)
                .map(
                        prefix ->
                                new Prefix(
                                        prefix.key().toString(),
                                        prefix.blocks(),
                                        prefix.tokens(),
                                        prefix.uses(),
                                        prefix.savedTokens(),
                                        prefix.pinned()))
                .toList();
    }

    /**
     * Keeps a prefix from eviction for a while; a prefix that is pinned already is pinned anew.
     *
     * @param key 32 hexadecimal digits
     */
    public Pinned pin(String key, Duration ttl) {
        var last = parsed(key);
        lock.lock();
        try {
            var keys = last.map(tier::chain).orElse(List.of());
            if (keys.isEmpty()) {
                return new Pinned.Unknown();
            }
            int had = Optional.ofNullable(pins.get(keys.getLast())).map(Pin::blocks).orElse(0);
            int after = pinnedBlocks - had + keys.size();
            if (after > mostBlocks || (had == 0 && pins.size() == MOST_PINS)) {
                return new Pinned.TooMany(keys.size(), pinnedBlocks, mostBlocks, MOST_PINS);
            }
            var set = tier.pin(keys);
            letGo(keys.getLast());
            var expiry = Thread.ofVirtual().unstarted(() -> expire(keys.getLast(), set, ttl));
            pins.put(keys.getLast(), new Pin(set, keys.size(), expiry));
            pinnedBlocks = after;
            expiry.start();
            return new Pinned.Done(keys.size(), ttl);
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
        pinnedBlocks -= pin.blocks;
        pin.set.close();
        pin.expiry.interrupt();
        return true;
    }

    /**
     * @return whether it was pinned by {@link #pin}
     */
    public boolean unpin(String key) {
        var last = parsed(key);
        lock.lock();
        try {
            return last.isPresent() && letGo(last.get());
        } finally {
            lock.unlock();
        }
    }

    /**
     * Removes a block and all that follow it from the host tier, pinned or not; what a request
     * reads now stays. Workers and the disk tier keep what they have.
     *
     * @return blocks gone; empty if there is no such block
     */
    public Optional<Integer> drop(String key) {
        unpin(key);
        return parsed(key).filter(last -> !tier.chain(last).isEmpty()).map(tier::drop);
    }

    /**
     * Checks the tier's tables against each other. The tier stands still meanwhile.
     *
     * @return what is wrong
     */
    public Optional<String> verify() {
        try {
            tier.checkIntegrity();
            return Optional.empty();
        } catch (IllegalStateException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private static Optional<BlockKey> parsed(String key) {
        return BlockKey.parse(key);
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
