package dev.stator.cache;

/** A callback that waits for a block. */
public final class Waiting implements AutoCloseable {
    private final HostTier tier;
    private final BlockKey key;
    private final Runnable onChange;

    Waiting(HostTier tier, BlockKey key, Runnable onChange) {
        this.tier = tier;
        this.key = key;
        this.onChange = onChange;
    }

    /** Cancels; a call that has already begun goes on. Idempotent. */
    @Override
    public void close() {
        tier.cancel(this);
    }

    BlockKey key() {
        return key;
    }

    void run() {
        onChange.run();
    }
}
