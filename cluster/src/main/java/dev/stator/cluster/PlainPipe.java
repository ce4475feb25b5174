package dev.stator.cluster;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.zip.CRC32C;

/** Each message is followed by its CRC32C. */
final class PlainPipe extends BlockPipe {
    private static final int CHECKSUM_BYTES = Integer.BYTES;

    /** Messages up to this size wait for the next one, so that they go with it. */
    private static final int SMALL_BYTES = 256;

    private final ByteBuffer waiting = ByteBuffer.allocateDirect(4096);
    private final ByteBuffer itsChecksum = ByteBuffer.allocateDirect(CHECKSUM_BYTES);
    private final CRC32C checksum = new CRC32C();

    PlainPipe(SocketChannel channel) {
        super(channel);
    }

    @Override
    void write(MemorySegment message) throws IOException {
        var bytes = message.asByteBuffer();
        checksum.reset();
        if (bytes.remaining() <= SMALL_BYTES) {
            if (waiting.remaining() < bytes.remaining() + CHECKSUM_BYTES) {
                flush();
            }
            checksum.update(bytes.duplicate());
            waiting.put(bytes);
        } else {
            while (bytes.hasRemaining()) {
                var piece = piece(bytes);
                checksum.update(piece.duplicate());
                writeFully(waiting.flip(), piece);
                waiting.clear();
            }
        }
        waiting.putInt((int) checksum.getValue());
    }

    /** The next one of a message, which is moved on. */
    private static ByteBuffer piece(ByteBuffer bytes) {
        int length = Math.min(PIECE_BYTES, bytes.remaining());
        var piece = bytes.slice(bytes.position(), length);
        bytes.position(bytes.position() + length);
        return piece;
    }

    @Override
    void flush() throws IOException {
        writeFully(waiting.flip());
        waiting.clear();
    }

    @Override
    void read(MemorySegment message) throws IOException {
        var bytes = message.asByteBuffer();
        checksum.reset();
        while (bytes.hasRemaining()) {
            var piece = piece(bytes);
            readFully(piece);
            checksum.update(piece.flip());
        }
        readFully(itsChecksum.clear());
        if (itsChecksum.flip().getInt() != (int) checksum.getValue()) {
            throw new DamagedException("a checksum is wrong");
        }
    }
}
