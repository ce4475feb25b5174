package dev.stator.cluster;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Optional;

/**
 * One end of a data connection: messages whose lengths both ends know. Rows go from the lender's
 * mapped slots to the socket and from there to the borrower's. For one thread at a time; another
 * may close it, which ends whatever waits.
 */
abstract sealed class BlockPipe implements Closeable permits PlainPipe, SealedPipe {
    /** So much is looked at and sent at a time: it is still in the core's cache when it is sent. */
    static final int PIECE_BYTES = 256 << 10;

    private final SocketChannel channel;

    BlockPipe(SocketChannel channel) {
        this.channel = channel;
    }

    /**
     * @param secret of the connection; empty if the cluster has no key
     * @param borrower whether this is the borrower's end
     */
    static BlockPipe over(SocketChannel channel, Optional<byte[]> secret, boolean borrower) {
        return secret.<BlockPipe>map(its -> SealedPipe.over(channel, its, borrower))
                .orElseGet(() -> new PlainPipe(channel));
    }

    /** Sends a message, or keeps it until more follows or {@link #flush} is called. */
    abstract void write(MemorySegment message) throws IOException;

    abstract void flush() throws IOException;

    /**
     * Reads a message.
     *
     * @throws DamagedException if it is not what was written
     */
    abstract void read(MemorySegment message) throws IOException;

    final void writeFully(ByteBuffer... bytes) throws IOException {
        var last = bytes[bytes.length - 1];
        while (last.hasRemaining()) {
            channel.write(bytes);
        }
    }

    final void readFully(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            if (channel.read(bytes) < 0) {
                throw new EOFException("the other end has closed the connection");
            }
        }
    }

    @Override
    public final void close() throws IOException {
        channel.close();
    }
}
