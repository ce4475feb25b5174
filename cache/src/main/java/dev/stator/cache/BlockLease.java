package dev.stator.cache;

import java.lang.foreign.MemorySegment;

/** The right to read one block, which stays where it is until the lease is closed. */
public final class BlockLease implements AutoCloseable {
    private final HostTier tier;
    private final int slot;
    private final int tokens;
    private final int recomputeMicros;
    private final MemorySegment rows;
    private boolean closed;

    BlockLease(HostTier tier, int slot, int tokens, int recomputeMicros, MemorySegment rows) {
        this.tier = tier;
        this.slot = slot;
        this.tokens = tokens;
        this.recomputeMicros = recomputeMicros;
        this.rows = rows;
    }

    /** The bytes that were committed, read-only; not to be touched once the lease is closed. */
    public MemorySegment rows() {
        return rows;
    }

    /** What it would cost to compute the block again; at most 2^31 - 1. */
    public long recomputeMicros() {
        return recomputeMicros;
    }

    public int tokens() {
        return tokens;
    }

    /**
     * The ids of the tokens that the block holds; the caller's own.
     *
     * @throws IllegalStateException if the lease is closed
     */
    public int[] tokenIds() {
        return tier.tokenIds(this);
    }

    /**
     * The key that stands before the first block of its sequence. Takes time in the blocks before.
     *
     * @throws IllegalStateException if the lease is closed
     */
    public BlockKey root() {
        return tier.root(this);
    }

    /** Idempotent; any thread. */
    @Override
    public void close() {
        tier.endLease(this);
    }

    int slot() {
        return slot;
    }

    /** The slot, which is the block's while the lease is open. Guarded by the tier's lock. */
    int openSlot() {
        if (closed) {
            throw new IllegalStateException("the lease is closed");
        }
        return slot;
    }

    /** True the first time. Guarded by the tier's lock. */
    boolean end() {
        boolean first = !closed;
        closed = true;
        return first;
    }
}
