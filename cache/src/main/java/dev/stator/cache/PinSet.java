package dev.stator.cache;

import java.util.List;

/** Keeps the blocks of some keys from eviction, also those that arrive later. */
public final class PinSet implements AutoCloseable {
    private final HostTier tier;
    private final List<BlockKey> keys;
    private boolean closed;

    PinSet(HostTier tier, List<BlockKey> keys) {
        this.tier = tier;
        this.keys = keys;
    }

    /** Lets go of the keys; idempotent. */
    @Override
    public void close() {
        tier.unpin(this);
    }

    List<BlockKey> keys() {
        return keys;
    }

    /** True the first time. Guarded by the tier's lock. */
    boolean end() {
        boolean first = !closed;
        closed = true;
        return first;
    }
}
