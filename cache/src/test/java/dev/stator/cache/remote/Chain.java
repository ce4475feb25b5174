package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** A sequence of tokens cut into blocks of four, with numbers in them that compress a little. */
record Chain(BlockKey root, int[] tokens, List<BlockKey> keys) {
    static final int BLOCK_TOKENS = 4;
    static final int BLOCK_BYTES = 2048;
    static final BlockKey MODEL = BlockKey.root("model");
    static final SharedKey KEY = SharedKey.of(new byte[32]);

    static Chain random(long seed, int tokens) {
        int[] ids = new Random(seed).ints(tokens, 0, 1000).toArray();
        return new Chain(MODEL, ids, BlockKey.chain(MODEL, ids, BLOCK_TOKENS));
    }

    static RemoteTierOptions options() {
        return RemoteTierOptions.of(KEY, MODEL, BLOCK_TOKENS, BLOCK_BYTES).withWarnings(_ -> {});
    }

    int blocks() {
        return keys.size();
    }

    int from(int block) {
        return block * BLOCK_TOKENS;
    }

    int to(int block) {
        return Math.min(tokens.length, from(block) + BLOCK_TOKENS);
    }

    BlockKey parent(int block) {
        return block == 0 ? root : keys.get(block - 1);
    }

    int bytes(int block) {
        return (to(block) - from(block)) * BLOCK_BYTES / BLOCK_TOKENS;
    }

    int[] tokens(int block) {
        return Arrays.copyOfRange(tokens, from(block), to(block));
    }

    /** Random low bytes, a few different high ones, as half-precision numbers have. */
    byte[] payload(int block) {
        byte[] payload = new byte[bytes(block)];
        var random = new Random(keys.get(block).low());
        random.nextBytes(payload);
        for (int i = 1; i < payload.length; i += 2) {
            payload[i] = (byte) (0x3a + random.nextInt(3));
        }
        return payload;
    }

    RemoteBlock block(int block) {
        return new RemoteBlock(
                keys.get(block),
                parent(block),
                from(block),
                to(block) - from(block),
                bytes(block),
                1000 + block);
    }

    boolean offer(RemoteTier tier, int block) {
        var rows = MemorySegment.ofArray(payload(block));
        // Whoever reads the rows later than allowed sees other bytes.
        return tier.offer(block(block), tokens(block), rows, () -> rows.fill((byte) 0));
    }

    void store(RemoteTier tier) {
        for (int block = 0; block < blocks(); block++) {
            offer(tier, block);
        }
        tier.awaitWritten();
    }
}
