package dev.stator.cluster;

import dev.stator.cache.BlockKey;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * What goes before a block's rows.
 *
 * @param bytes of the rows that follow; 0: there is nothing more; less: what comes next is not
 *     there yet
 */
record BlockHeader(BlockKey key, int tokens, int bytes, long recomputeMicros) {
    static final int BYTES = 32;

    /** Ends an answer. */
    static final BlockHeader END = new BlockHeader(new BlockKey(0, 0), 0, 0, 0);

    /** Says that the lender waits for the next block. */
    static final BlockHeader WAITING = new BlockHeader(new BlockKey(0, 0), 0, -1, 0);

    boolean isEnd() {
        return bytes == 0;
    }

    boolean isWaiting() {
        return bytes < 0;
    }

    MemorySegment encoded() {
        var bytes = ByteBuffer.allocate(BYTES);
        bytes.putLong(key.high()).putLong(key.low());
        bytes.putInt(tokens).putInt(this.bytes).putLong(recomputeMicros);
        return MemorySegment.ofBuffer(bytes.flip());
    }

    static BlockHeader decoded(MemorySegment encoded) {
        var bytes = encoded.asByteBuffer();
        return new BlockHeader(
                new BlockKey(bytes.getLong(), bytes.getLong()),
                bytes.getInt(),
                bytes.getInt(),
                bytes.getLong());
    }
}
