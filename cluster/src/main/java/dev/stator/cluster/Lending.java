package dev.stator.cluster;

import dev.stator.cache.BlockKey;
import dev.stator.serving.BlockExchange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The lender's end of a data connection: a peer names blocks, and gets them in that order up to the
 * first that is not there; then it may name others. A block stays in the tier while it is written.
 */
final class Lending {
    /** A peer that asks for more than a prompt can have is none. */
    private static final int MOST_BLOCKS = 1 << 20;

    private static final int KEY_BYTES = 2 * Long.BYTES;

    /** A peer gives up sooner. */
    private static final Duration MOST = Peers.MOST.multipliedBy(2);

    private final BlockExchange exchange;
    private final BlockPipe pipe;

    Lending(BlockExchange exchange, BlockPipe pipe) {
        this.exchange = exchange;
        this.pipe = pipe;
    }

    /** Asks for blocks; for the other end. */
    static void ask(BlockPipe pipe, List<BlockKey> keys) throws IOException {
        pipe.write(
                MemorySegment.ofBuffer(
                        ByteBuffer.allocate(Integer.BYTES).putInt(keys.size()).flip()));
        var all = ByteBuffer.allocate(keys.size() * KEY_BYTES);
        keys.forEach(key -> all.putLong(key.high()).putLong(key.low()));
        pipe.write(MemorySegment.ofBuffer(all.flip()));
        pipe.flush();
    }

    /**
     * Blocks until the peer is gone, or has been idle for long; for a thread of its own.
     *
     * @throws IOException if it breaks off, or says what it should not
     */
    void serve() throws IOException {
        while (true) {
            List<BlockKey> keys;
            try (var _ = Deadline.of(pipe, LendingPort.IDLE)) {
                keys = asked();
            }
            try (var _ = Deadline.of(pipe, MOST)) {
                send(keys);
            }
        }
    }

    private List<BlockKey> asked() throws IOException {
        int count = read(Integer.BYTES).getInt();
        if (count < 0 || count > MOST_BLOCKS) {
            throw new DamagedException("it asks for %d blocks".formatted(count));
        }
        var all = read(count * KEY_BYTES);
        var keys = new ArrayList<BlockKey>(count);
        while (all.hasRemaining()) {
            keys.add(new BlockKey(all.getLong(), all.getLong()));
        }
        return keys;
    }

    private ByteBuffer read(int bytes) throws IOException {
        var buffer = ByteBuffer.allocate(bytes);
        pipe.read(MemorySegment.ofBuffer(buffer));
        return buffer;
    }

    private void send(List<BlockKey> keys) throws IOException {
        for (var key : keys) {
            var lent = exchange.lend(key);
            if (lent.isEmpty()) {
                break;
            }
            try (var block = lent.get()) {
                int bytes = Math.toIntExact(block.rows().byteSize());
                pipe.write(
                        new BlockHeader(key, block.tokens(), bytes, block.recomputeMicros())
                                .encoded());
                pipe.write(block.rows());
            }
        }
        pipe.write(BlockHeader.END.encoded());
        pipe.flush();
    }
}
