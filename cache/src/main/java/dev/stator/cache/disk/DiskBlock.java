package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;

/**
 * What names and describes a block on disk.
 *
 * @param parent key of the block before, or the root if {@code position} is 0
 * @param position where it begins in its sequence, in tokens
 * @param tokens how many it holds
 * @param payloadBytes bytes of its rows; once it is on disk, of what they are written as
 * @param recomputeMicros what it would cost to compute it again
 */
public record DiskBlock(
        BlockKey key,
        BlockKey parent,
        int position,
        int tokens,
        int payloadBytes,
        long recomputeMicros) {
    public DiskBlock {
        if (position < 0 || tokens < 0 || payloadBytes < 1 || recomputeMicros < 0) {
            throw new IllegalArgumentException(
                    "block %s: position (%d), tokens (%d), bytes (%d) or micros (%d) make no sense"
                            .formatted(key, position, tokens, payloadBytes, recomputeMicros));
        }
    }

    /** As it is on disk if its rows are written as so many bytes. */
    DiskBlock storedAs(int bytes) {
        return bytes == payloadBytes
                ? this
                : new DiskBlock(key, parent, position, tokens, bytes, recomputeMicros);
    }

    int recordBytes() {
        return RecordCodec.recordBytes(tokens, payloadBytes);
    }
}
