package dev.stator.cache;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What the tier knows of one block, present or being written. Guarded by the tier's lock. */
final class Block {
    /** Not in the {@link EvictionOrder}. */
    static final int NOT_QUEUED = -1;

    final BlockKey key;

    /** Absent for the first block of a sequence. While this block is here, so is its parent. */
    final @Nullable Block parent;

    /** The key that stands before the first block of its sequence. */
    final BlockKey root;

    final int[] tokens;
    final int bytes;
    final long recomputeMicros;

    /** {@link SlotPool#NONE} until one is found. */
    int slot = SlotPool.NONE;

    /** Blocks present or being written whose parent this is. */
    int children;

    int leases;

    /** Whether it can be found; not while it is being written and not after it was evicted. */
    boolean present;

    int frequency;

    /** The tier's clock at the last use. */
    long lastUse;

    int queueIndex = NOT_QUEUED;

    /**
     * @param before key of the parent, or the root
     */
    Block(
            BlockKey key,
            @Nullable Block parent,
            BlockKey before,
            int[] tokens,
            int bytes,
            long recomputeMicros) {
        this.key = key;
        this.parent = parent;
        this.root = parent == null ? before : parent.root;
        this.tokens = tokens;
        this.bytes = bytes;
        this.recomputeMicros = recomputeMicros;
    }

    boolean holds(int[] all, int from, int to) {
        return Arrays.equals(tokens, 0, tokens.length, all, from, to);
    }
}
