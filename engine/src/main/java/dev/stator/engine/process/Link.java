package dev.stator.engine.process;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/**
 * Frames over a socket. One thread at a time. What is not answered waits for the next frame that
 * is, and goes with it.
 */
final class Link implements AutoCloseable {
    private final SocketChannel channel;
    private ByteBuffer incoming = ByteBuffer.allocate(1 << 16).limit(0);
    private ByteBuffer outgoing = ByteBuffer.allocate(1 << 12);

    Link(SocketChannel channel) {
        this.channel = channel;
    }

    /** Goes with the next frame that is sent. */
    void post(Frame frame) {
        append(frame.finished());
    }

    void send(Frame frame) throws IOException {
        append(frame.finished());
        outgoing.flip();
        while (outgoing.hasRemaining()) {
            channel.write(outgoing);
        }
        outgoing.clear();
    }

    private void append(ByteBuffer bytes) {
        if (outgoing.remaining() < bytes.remaining()) {
            int size =
                    Math.max(
                            2 * outgoing.capacity(),
                            Math.addExact(outgoing.position(), bytes.remaining()));
            outgoing = ByteBuffer.allocate(size).put(outgoing.flip());
        }
        outgoing.put(bytes);
    }

    /**
     * The next frame, valid until the one after it is received.
     *
     * @throws EOFException if the other end is gone
     */
    Frame receive() throws IOException {
        await(Integer.BYTES);
        int length = incoming.getInt();
        if (length < 1) {
            throw new IOException("a frame of %d bytes".formatted(length));
        }
        await(length);
        var frame = incoming.slice(incoming.position(), length);
        incoming.position(incoming.position() + length);
        return Frame.read(frame);
    }

    private void await(int bytes) throws IOException {
        if (incoming.remaining() >= bytes) {
            return;
        }
        if (incoming.capacity() < bytes) {
            incoming = ByteBuffer.allocate(Math.max(2 * incoming.capacity(), bytes)).put(incoming);
        } else {
            incoming.compact();
        }
        while (incoming.position() < bytes) {
            if (channel.read(incoming) < 0) {
                incoming.flip();
                throw new EOFException("the other end is gone");
            }
        }
        incoming.flip();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
