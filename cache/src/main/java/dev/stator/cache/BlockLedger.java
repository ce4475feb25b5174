package dev.stator.cache;

import java.util.Optional;
import java.util.function.Consumer;

/**
 * A tier without bytes: which blocks it would hold and which would go, by the same table, policy,
 * ghosts and protection of parents as {@link HostTier}. For simulators. Not thread-safe.
 */
public final class BlockLedger {
    private static final int[] NO_TOKENS = {};

    private final BlockTable table;
    private final Consumer<BlockKey> evicted;
    private int size;
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
        Optional<Block> above = parent.flatMap(table::find);
        if (above.isEmpty() && parent.isPresent()) {
            return false;
        }
        // A ledger knows no roots, and nobody asks it for one.
        Block block = new Block(key, above.orElse(null), key, NO_TOKENS, 0, recomputeMicros);
        table.begin(block);
        do {
            block.slot = table.slots().takeFresh();
        } while (block.slot == SlotPool.NONE && evict());
        if (block.slot == SlotPool.NONE) {
            table.abandon(block);
            return false;
        }
        table.publish(block);
        size++;
        return true;
    }

    /** Counts a use of a block and keeps it from eviction; false if it is absent. */
    public boolean lease(BlockKey key) {
        Optional<Block> found = table.find(key);
        found.ifPresent(
                block -> {
                    leased += block.leases == 0 ? 1 : 0;
                    table.lease(block);
                });
        return found.isPresent();
    }

    /**
     * Ends one lease of a block.
     *
     * @throws IllegalStateException if there is none
     */
    public void unlease(BlockKey key) {
        Block block =
                table.find(key)
                        .filter(present -> present.leases > 0)
                        .orElseThrow(() -> new IllegalStateException("no lease on " + key));
        table.unlease(block);
        leased -= block.leases == 0 ? 1 : 0;
    }

    /** Evicts the least valuable block that may go; false if none may. */
    public boolean evict() {
        Optional<Block> victim = table.evict();
        victim.ifPresent(
                block -> {
                    size--;
                    evicted.accept(block.key);
                });
        return victim.isPresent();
    }

    /** Blocks that are present. */
    public int size() {
        return size;
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
        if (size != table.size()) {
            throw new IllegalStateException("the number of blocks does not add up");
        }
    }
}
