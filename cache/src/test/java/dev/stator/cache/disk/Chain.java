package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** A sequence of tokens cut into blocks, with bytes that tell each block from every other. */
record Chain(BlockKey root, int[] tokens, int blockTokens, int bytesPerToken, List<BlockKey> keys) {
    static final BlockKey MODEL = BlockKey.root("model");

    static Chain of(int bytesPerToken, int blockTokens, int... tokens) {
        return new Chain(
                MODEL,
                tokens,
                blockTokens,
                bytesPerToken,
                BlockKey.chain(MODEL, tokens, blockTokens));
    }

    static Chain random(long seed, int blocks, int bytesPerToken) {
        return of(bytesPerToken, 4, new Random(seed).ints(blocks * 4L, 0, 1000).toArray());
    }

    int blocks() {
        return keys.size();
    }

    int from(int block) {
        return block * blockTokens;
    }

    int to(int block) {
        return Math.min(tokens.length, from(block) + blockTokens);
    }

    BlockKey parent(int block) {
        return block == 0 ? root : keys.get(block - 1);
    }

    int bytes(int block) {
        return (to(block) - from(block)) * bytesPerToken;
    }

    byte[] payload(int block) {
        byte[] payload = new byte[bytes(block)];
        new Random(keys.get(block).low()).nextBytes(payload);
        return payload;
    }

    boolean offer(DiskTier tier, int block) {
        return offer(tier, block, 1000);
    }

    boolean offer(DiskTier tier, int block, long micros) {
        MemorySegment rows = MemorySegment.ofArray(payload(block));
        return tier.offer(
                new DiskBlock(
                        keys.get(block),
                        parent(block),
                        from(block),
                        to(block) - from(block),
                        bytes(block),
                        micros),
                Arrays.copyOfRange(tokens, from(block), to(block)),
                rows,
                // Whoever reads the rows later than allowed sees other bytes.
                () -> rows.fill((byte) 0));
    }

    void store(DiskTier tier) {
        for (int block = 0; block < blocks(); block++) {
            offer(tier, block);
            tier.awaitWritten();
        }
    }

    /** Whether the tier has the block; fails if it serves anything else. */
    boolean isIn(DiskTier tier, int block) {
        ReadBuffer buffer = tier.readBuffer();
        var read = tier.read(keys.get(block), tokens, from(block), to(block), buffer);
        if (read.isEmpty()) {
            return false;
        }
        byte[] got = new byte[bytes(block)];
        buffer.copyTo(MemorySegment.ofArray(got));
        if (!Arrays.equals(got, payload(block)) || !read.get().key().equals(keys.get(block))) {
            throw new AssertionError("block %d of %s is served wrong".formatted(block, this));
        }
        return true;
    }

    /** How many leading blocks can be read. */
    int readable(DiskTier tier) {
        int block = 0;
        while (block < blocks() && isIn(tier, block)) {
            block++;
        }
        return block;
    }
}
