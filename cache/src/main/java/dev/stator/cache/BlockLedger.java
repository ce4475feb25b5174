package dev.stator.cache;

import java.util.Optional;
import java.util.function.Consumer;

/**
 * A tier without bytes: which blocks it would hold and which would go, by the same table, policy,
 * ghosts and protection of parents as {@link HostTier}. For simulators. Not thread-safe.
 */
public final class BlockLedger {
    /** A ledger knows no roots, and nobody asks it for one. */
    private static final BlockKey NO_ROOT = new BlockKey(0, 0);

    private final BlockTable table;
    private final Consumer<BlockKey> evicted;
    private int leased;

    /**
     * @param slots blocks that fit, at least 1
     * @param evicted hears of every block that goes
     */
    public BlockLedger(int slots, Eviction eviction, Consumer<BlockKey> evicted) {
        this.evicted = evicted;
        table = new BlockTable(slots, eviction);
    }

    public boolean contains(BlockKey key) {
        return table.contains(key);
    }

    /**
     * Stores a block, which is a use of it, evicting others if need be. Refused if the block is
     * present, if its parent is not, or if every block is in use.
     *
     * @param parent the block before it; empty if it is the first of its sequence
     * @return whether the block is new
     */
    public boolean store(BlockKey key, Optional<BlockKey> parent, long recomputeMicros) {
        if (contains(key)) {
            return false;
        }
        int above = parent.map(table::find).orElse(SlotPool.NONE);
        if (above == SlotPool.NONE && parent.isPresent()) {
            return false;
        }
        if (above != SlotPool.NONE) {
            table.holdParent(above);
        }
        int slot;
        do {
            slot = table.slots().takeFresh();
        } while (slot == SlotPool.NONE && evict());
        if (slot == SlotPool.NONE) {
            if (above != SlotPool.NONE) {
                table.letGoOfParent(above);
            }
            return false;
        }
        int account = table.charge(Tenant.NOBODY);
        if (above == SlotPool.NONE) {
            table.beginFirst(slot, key, NO_ROOT, recomputeMicros, account);
        } else {
            table.begin(slot, key, above, recomputeMicros, account);
        }
        table.publish(slot);
        return true;
    }

    /** Counts a use of a block and keeps it from eviction; false if it is absent. */
    public boolean lease(BlockKey key) {
        int slot = table.find(key);
        if (slot == SlotPool.NONE) {
            return false;
        }
        leased += table.leases(slot) == 0 ? 1 : 0;
        table.lease(slot);
        return true;
    }

    /**
     * Ends one lease of a block.
     *
     * @throws IllegalStateException if there is none
     */
    public void unlease(BlockKey key) {
        int slot = table.find(key);
        if (slot == SlotPool.NONE || table.leases(slot) == 0) {
            throw new IllegalStateException("no lease on " + key);
        }
        table.unlease(slot);
        leased -= table.leases(slot) == 0 ? 1 : 0;
    }

    /** Evicts the least valuable block that may go; false if none may. */
    public boolean evict() {
        Optional<BlockKey> victim = table.evict();
        victim.ifPresent(evicted);
        return victim.isPresent();
    }

    /** Blocks that are present. */
    public int size() {
        return table.size();
    }

    /** Blocks that have at least one lease. */
    public int leased() {
        return leased;
    }

    /**
     * Throws if the ledger contradicts itself; for tests. Takes time in the number of blocks.
     *
     * @throws IllegalStateException naming the broken invariant
     */
    public void checkIntegrity() {
        table.checkIntegrity();
    }
}
