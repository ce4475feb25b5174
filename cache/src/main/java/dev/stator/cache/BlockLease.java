package dev.stator.cache;

import java.lang.foreign.MemorySegment;

/** The right to read one block, which stays where it is until the lease is closed. */
public final class BlockLease implements AutoCloseable {
    private final HostTier tier;
    private final Block block;
    private final MemorySegment rows;
    private boolean closed;

    BlockLease(HostTier tier, Block block, MemorySegment rows) {
        this.tier = tier;
        this.block = block;
        this.rows = rows;
    }

    /** The bytes that were committed, read-only; not to be touched once the lease is closed. */
    public MemorySegment rows() {
        return rows;
    }

    /** What it would cost to compute the block again. */
    public long recomputeMicros() {
        return block.recomputeMicros;
    }

    public int tokens() {
        return block.tokens.length;
    }

    /** The ids of the tokens that the block holds; the caller's own. */
    public int[] tokenIds() {
        return block.tokens.clone();
    }

    /** The key that stands before the first block of its sequence. */
    public BlockKey root() {
        return block.root;
    }

    /** Idempotent; any thread. */
    @Override
    public void close() {
        tier.endLease(this);
    }

    Block block() {
        return block;
    }

    /** True the first time. Guarded by the tier's lock. */
    boolean end() {
        boolean first = !closed;
        closed = true;
        return first;
    }
}
