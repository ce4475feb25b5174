package dev.stator.cache;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/** A sequence of tokens cut into blocks, with bytes that tell each block from every other. */
record Sequence(BlockKey root, int[] tokens, int blockTokens, List<BlockKey> keys) {
    static Sequence of(BlockKey root, int blockTokens, int... tokens) {
        return new Sequence(root, tokens, blockTokens, BlockKey.chain(root, tokens, blockTokens));
    }

    int blocks() {
        return keys.size();
    }

    BlockKey key(int block) {
        return keys.get(block);
    }

    BlockKey parent(int block) {
        return block == 0 ? root : keys.get(block - 1);
    }

    int from(int block) {
        return block * blockTokens;
    }

    int to(int block) {
        return Math.min(tokens.length, from(block) + blockTokens);
    }

    Optional<BlockReservation> reserve(HostTier tier, int block, long recomputeMicros) {
        return tier.reserve(
                key(block), parent(block), tokens, from(block), to(block), recomputeMicros);
    }

    Optional<BlockReservation> reserve(HostTier tier, int block, Tenant tenant) {
        return tier.reserve(key(block), parent(block), tokens, from(block), to(block), 10, tenant);
    }

    /** True if the block was stored. */
    boolean store(HostTier tier, int block, long recomputeMicros) {
        return store(block, reserve(tier, block, recomputeMicros));
    }

    boolean store(HostTier tier, int block, Tenant tenant) {
        return store(block, reserve(tier, block, tenant));
    }

    private boolean store(int block, Optional<BlockReservation> reserved) {
        try (BlockReservation reservation = reserved.orElse(null)) {
            if (reservation == null) {
                return false;
            }
            fill(reservation.rows(), block);
            reservation.commit();
            return true;
        }
    }

    Optional<BlockLease> acquire(HostTier tier, int block) {
        return tier.acquire(key(block), tokens, from(block), to(block));
    }

    void fill(MemorySegment rows, int block) {
        long pattern = key(block).low();
        for (long at = 0; at < rows.byteSize(); at += Long.BYTES) {
            rows.set(ValueLayout.JAVA_LONG_UNALIGNED, at, pattern + at);
        }
    }

    boolean isIn(MemorySegment rows, int block) {
        long pattern = key(block).low();
        for (long at = 0; at < rows.byteSize(); at += Long.BYTES) {
            if (rows.get(ValueLayout.JAVA_LONG_UNALIGNED, at) != pattern + at) {
                return false;
            }
        }
        return rows.byteSize() > 0;
    }
}
