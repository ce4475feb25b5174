package dev.stator.cache;

import java.lang.foreign.MemorySegment;

/** A slot to write one block into; nobody sees it before {@link #commit()}. */
public final class BlockReservation implements AutoCloseable {
    private final HostTier tier;
    private final int slot;
    private final MemorySegment rows;
    private boolean ended;

    BlockReservation(HostTier tier, int slot, MemorySegment rows) {
        this.tier = tier;
        this.slot = slot;
        this.rows = rows;
    }

    /** Writable, exactly the block's bytes, content undefined; not to be touched after the end. */
    public MemorySegment rows() {
        return rows;
    }

    /**
     * Makes the block visible, settles its claim and tells those who wait. Does only the latter two
     * if someone else has committed the same block meanwhile, and nothing if the tier is closed.
     *
     * @throws IllegalStateException if the reservation has ended already
     */
    public void commit() {
        tier.commit(this);
    }

    /** Gives the slot back unless committed; idempotent. */
    @Override
    public void close() {
        tier.abandon(this);
    }

    int slot() {
        return slot;
    }

    /** True the first time. Guarded by the tier's lock. */
    boolean end() {
        boolean first = !ended;
        ended = true;
        return first;
    }
}
