package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;

/**
 * What names and describes a block in a store.
 *
 * @param parent key of the block before, or the root if {@code position} is 0
 * @param position where it begins in its sequence, in tokens
 * @param tokens how many it holds
 * @param payloadBytes bytes of its rows
 * @param recomputeMicros what it would cost to compute it again
 */
public record RemoteBlock(
        BlockKey key,
        BlockKey parent,
        int position,
        int tokens,
        int payloadBytes,
        long recomputeMicros) {
    public RemoteBlock {
        if (position < 0 || tokens < 1 || payloadBytes < 1 || recomputeMicros < 0) {
            throw new IllegalArgumentException(
                    "block %s: position (%d), tokens (%d), bytes (%d) or micros (%d) make no sense"
                            .formatted(key, position, tokens, payloadBytes, recomputeMicros));
        }
    }
}
