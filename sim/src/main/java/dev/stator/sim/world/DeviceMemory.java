package dev.stator.sim.world;

import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockLedger;
import dev.stator.cache.Eviction;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The KV memory of one worker, counted in tokens. It holds complete blocks, which stay after their
 * last user until the room is needed, and reservations for what is not a complete block yet.
 *
 * <p>A user leases all blocks from the first to its last, so a block without lease never has a
 * child with one, and everything that is neither leased nor reserved can be evicted.
 */
final class DeviceMemory {
    private final long capacity;
    private final int blockTokens;
    private final BlockLedger ledger;
    private long reserved;

    DeviceMemory(long capacity, int blockTokens, Consumer<BlockKey> evicted) {
        this.capacity = capacity;
        this.blockTokens = blockTokens;
        int slots = (int) Math.min(Integer.MAX_VALUE / 8, capacity / blockTokens + 1);
        ledger = new BlockLedger(slots, Eviction.LEAST_RECENTLY_USED, evicted);
    }

    long capacity() {
        return capacity;
    }

    /** Tokens that can be reserved now. */
    long free() {
        return capacity - (long) ledger.leased() * blockTokens - reserved;
    }

    boolean holds(BlockKey key) {
        return ledger.contains(key);
    }

    /** Makes a block that is present, with all before it, the user's. */
    void lease(BlockKey key) {
        if (!ledger.lease(key)) {
            throw new IllegalStateException("leased what is not there");
        }
    }

    void unlease(BlockKey key) {
        ledger.unlease(key);
    }

    /**
     * @param tokens at most {@link #free}
     */
    void reserve(long tokens) {
        if (tokens > free()) {
            throw new IllegalStateException(
                    "%d tokens do not fit into %d".formatted(tokens, free()));
        }
        reserved += tokens;
        while ((long) ledger.size() * blockTokens + reserved > capacity) {
            ledger.evict();
        }
    }

    void unreserve(long tokens) {
        reserved -= tokens;
    }

    /**
     * Turns a block's worth of a reservation into a block, leased by the one who had reserved.
     *
     * @return whether the block is new here
     */
    boolean complete(BlockKey key, Optional<BlockKey> parent) {
        reserved -= blockTokens;
        boolean isNew = ledger.store(key, parent, 0);
        lease(key);
        return isNew;
    }

    void checkIntegrity() {
        ledger.checkIntegrity();
        long used = (long) ledger.size() * blockTokens + reserved;
        if (reserved < 0 || used > capacity) {
            throw new IllegalStateException(
                    "%d tokens, %d of them reserved, in memory for %d"
                            .formatted(used, reserved, capacity));
        }
    }
}
