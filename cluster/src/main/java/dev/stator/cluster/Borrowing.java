package dev.stator.cluster;

import dev.stator.cache.BlockKey;
import dev.stator.cluster.wire.Ticket;
import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The borrower's end of a data connection. For one thread at a time; another may close it. */
final class Borrowing implements Closeable {
    /** Takes what comes. */
    interface Taker {
        /**
         * Reads the rows of a block from the pipe, all of them.
         *
         * @return whether more is wanted; if not, the connection is of no further use
         */
        boolean take(BlockHeader header, BlockPipe rows) throws IOException;

        /** The next block is still to come into being. */
        default void waiting() {}
    }

    private final BlockPipe pipe;
    private final MemorySegment header = MemorySegment.ofArray(new byte[BlockHeader.BYTES]);
    private long usedNanos = System.nanoTime();

    private Borrowing(BlockPipe pipe) {
        this.pipe = pipe;
    }

    /** A channel that is not connected yet, so that it can be closed while it connects. */
    static Borrowing open(SocketChannel channel, String host, Ticket ticket) throws IOException {
        channel.connect(new InetSocketAddress(host, ticket.getPort()));
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        var shown = ticket.getId().asReadOnlyByteBuffer();
        while (shown.hasRemaining()) {
            channel.write(shown);
        }
        var secret = ticket.getSecret();
        return new Borrowing(
                BlockPipe.over(
                        channel,
                        secret.isEmpty() ? Optional.empty() : Optional.of(secret.toByteArray()),
                        true));
    }

    /** When it was last used, by {@link System#nanoTime}. */
    long usedNanos() {
        return usedNanos;
    }

    /**
     * Asks for blocks and hands them on, in order, up to the first that the peer does not have.
     *
     * @param patience how long the peer is to wait for blocks that come into being; zero: it is not
     * @return whether the connection can be used again
     */
    boolean borrow(List<BlockKey> keys, Duration patience, Taker taker) throws IOException {
        Lending.ask(pipe, keys, patience);
        for (int i = 0; i <= keys.size(); i++) {
            var its = next();
            while (its.isWaiting() && patience.isPositive()) {
                taker.waiting();
                its = next();
            }
            if (its.isEnd()) {
                usedNanos = System.nanoTime();
                return true;
            }
            if (i == keys.size() || !its.key().equals(keys.get(i))) {
                throw new DamagedException("it sends blocks that were not asked for");
            }
            if (!taker.take(its, pipe)) {
                return false;
            }
        }
        return false;
    }

    private BlockHeader next() throws IOException {
        pipe.read(header);
        return BlockHeader.decoded(header);
    }

    @Override
    public void close() throws IOException {
        pipe.close();
    }
}
