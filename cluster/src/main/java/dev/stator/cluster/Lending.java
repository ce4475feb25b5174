package dev.stator.cluster;

import dev.stator.cache.BlockKey;
import dev.stator.serving.BlockExchange;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The lender's end of a data connection: a peer names blocks, and gets them in that order up to the
 * first that is not there; then it may name others. A block stays in the tier while it is written.
 * A peer that says it will wait also gets blocks that come into being meanwhile, and hears several
 * times in a few seconds that they still do.
 */
final class Lending {
    /** A peer that asks for more than a prompt can have is none. */
    private static final int MOST_BLOCKS = 1 << 20;

    private static final int KEY_BYTES = 2 * Long.BYTES;

    /** Set in the number of blocks by who will wait; then follows for how many milliseconds. */
    private static final int WAITS = 1 << 30;

    private static final Duration BEAT = Duration.ofMillis(500);

    /** The call that has blocks computed may come later than the peer that asks for them. */
    private static final Duration GRACE = Duration.ofSeconds(1);

    /** A peer gives up sooner. */
    private static final Duration MOST = Peers.MOST.multipliedBy(2);

    private final BlockExchange exchange;
    private final BlockPipe pipe;

    /** When the peer last heard that its blocks still come. */
    private long lastWord = System.nanoTime();

    Lending(BlockExchange exchange, BlockPipe pipe) {
        this.exchange = exchange;
        this.pipe = pipe;
    }

    /**
     * @param patience how long the peer waits for blocks that are not there yet
     */
    private record Asked(List<BlockKey> keys, Duration patience) {}

    /**
     * Asks for blocks; for the other end.
     *
     * @param patience for blocks that are not there yet; zero: they are not waited for
     */
    static void ask(BlockPipe pipe, List<BlockKey> keys, Duration patience) throws IOException {
        if (patience.isPositive()) {
            write(pipe, keys.size() | WAITS);
            write(pipe, Math.toIntExact(Math.min(patience.toMillis(), Integer.MAX_VALUE)));
        } else {
            write(pipe, keys.size());
        }
        var all = ByteBuffer.allocate(keys.size() * KEY_BYTES);
        keys.forEach(key -> all.putLong(key.high()).putLong(key.low()));
        pipe.write(MemorySegment.ofBuffer(all.flip()));
        pipe.flush();
    }

    private static void write(BlockPipe pipe, int number) throws IOException {
        pipe.write(
                MemorySegment.ofBuffer(ByteBuffer.allocate(Integer.BYTES).putInt(number).flip()));
    }

    /**
     * Blocks until the peer is gone, or has been idle for long; for a thread of its own.
     *
     * @throws IOException if it breaks off, or says what it should not
     */
    void serve() throws IOException {
        while (true) {
            Asked asked;
            try (var _ = Deadline.of(pipe, LendingPort.IDLE)) {
                asked = asked();
            }
            try (var _ = Deadline.of(pipe, MOST.plus(asked.patience))) {
                send(asked);
            }
        }
    }

    private Asked asked() throws IOException {
        int said = read(Integer.BYTES).getInt();
        boolean waits = said > 0 && (said & WAITS) != 0;
        int count = waits ? said & ~WAITS : said;
        if (count < 0 || count > MOST_BLOCKS) {
            throw new DamagedException("it asks for %d blocks".formatted(count));
        }
        var patience = Duration.ofMillis(waits ? Math.max(0, read(Integer.BYTES).getInt()) : 0);
        var all = read(count * KEY_BYTES);
        var keys = new ArrayList<BlockKey>(count);
        while (all.hasRemaining()) {
            keys.add(new BlockKey(all.getLong(), all.getLong()));
        }
        return new Asked(keys, patience);
    }

    private ByteBuffer read(int bytes) throws IOException {
        var buffer = ByteBuffer.allocate(bytes);
        pipe.read(MemorySegment.ofBuffer(buffer));
        return buffer;
    }

    private void send(Asked asked) throws IOException {
        long begun = System.nanoTime();
        for (var key : asked.keys) {
            var lent = lend(key, begun, asked.patience);
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

    private Optional<BlockExchange.Lent> lend(BlockKey key, long begun, Duration patience)
            throws IOException {
        var grace = patience.compareTo(GRACE) < 0 ? patience : GRACE;
        while (true) {
            // Before it is looked for: what has been is there, and does not come any more.
            boolean coming = exchange.isComing(key);
            var lent = exchange.lend(key);
            var waited = Duration.ofNanos(System.nanoTime() - begun);
            if (lent.isPresent() || waited.compareTo(coming ? patience : grace) >= 0) {
                return lent;
            }
            pipe.flush();
            awaitChange(key);
        }
    }

    /** Until the block may be there; for no longer than the peer may go without a word. */
    private void awaitChange(BlockKey key) throws IOException {
        long next = lastWord + BEAT.toNanos();
        try {
            long left = next - System.nanoTime();
            if (left > 0) {
                exchange.awaitChange(key, Duration.ofNanos(left));
            } else {
                pipe.write(BlockHeader.WAITING.encoded());
                pipe.flush();
                lastWord = System.nanoTime();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("the node stops");
        }
    }
}
