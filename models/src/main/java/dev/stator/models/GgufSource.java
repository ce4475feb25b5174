package dev.stator.models;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/**
 * Reads GGUF's little-endian values through one buffer. Nothing is allocated before the file is
 * known to hold as many bytes.
 */
final class GgufSource implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 16;

    private final Path file;
    private final FileChannel channel;
    private final long fileBytes;
    private final ByteBuffer buffer =
            ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);

    /** Position in the file of the buffer's first byte. */
    private long bufferAt;

    GgufSource(Path file) throws IOException {
        this.file = file;
        this.channel = FileChannel.open(file, StandardOpenOption.READ);
        try {
            this.fileBytes = channel.size();
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        buffer.limit(0);
    }

    long fileBytes() {
        return fileBytes;
    }

    long position() {
        return bufferAt + buffer.position();
    }

    long remaining() {
        return fileBytes - position();
    }

    void position(long target) {
        if (target >= bufferAt && target <= bufferAt + buffer.limit()) {
            buffer.position((int) (target - bufferAt));
        } else {
            bufferAt = target;
            buffer.limit(0);
        }
    }

    int u8(String what) throws IOException {
        return need(Byte.BYTES, what).get() & 0xff;
    }

    short u16(String what) throws IOException {
        return need(Short.BYTES, what).getShort();
    }

    int u32(String what) throws IOException {
        return need(Integer.BYTES, what).getInt();
    }

    long u64(String what) throws IOException {
        return need(Long.BYTES, what).getLong();
    }

    /**
     * @param maxBytes longer texts are refused
     */
    String text(long maxBytes, String what) throws IOException {
        long length = textLength(what);
        if (length > maxBytes) {
            throw corrupt(
                    String.format(
                            Locale.ROOT,
                            "%s has %,d bytes, more than %,d",
                            what,
                            length,
                            maxBytes));
        }
        byte[] bytes = new byte[(int) length];
        int at = 0;
        while (at < bytes.length) {
            int count = Math.min(bytes.length - at, need(1, what).remaining());
            buffer.get(bytes, at, count);
            at += count;
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw corrupt(what + " is not UTF-8");
        }
    }

    void skipText(String what) throws IOException {
        skip(textLength(what), what);
    }

    void skip(long bytes, String what) {
        if (bytes < 0 || bytes > remaining()) {
            throw truncated(what);
        }
        position(position() + bytes);
    }

    private long textLength(String what) throws IOException {
        long length = u64("the length of " + what);
        if (length < 0 || length > remaining()) {
            throw corrupt(
                    String.format(
                            Locale.ROOT,
                            "%s claims %s bytes, but only %,d are left in the file",
                            what,
                            Long.toUnsignedString(length),
                            remaining()));
        }
        return length;
    }

    private ByteBuffer need(int bytes, String what) throws IOException {
        if (buffer.remaining() >= bytes) {
            return buffer;
        }
        if (remaining() < bytes) {
            throw truncated(what);
        }
        bufferAt = position();
        buffer.compact();
        while (buffer.position() < bytes) {
            if (channel.read(buffer, bufferAt + buffer.position()) < 0) {
                throw truncated(what);
            }
        }
        buffer.flip();
        return buffer;
    }

    ModelFileException corrupt(String fault) {
        return new ModelFileException(
                "%s is damaged: %s. Fetch or convert it again".formatted(file, fault));
    }

    private ModelFileException truncated(String what) {
        return new ModelFileException(
                String.format(
                        Locale.ROOT,
                        "%s ends at byte %,d, inside %s: the download is incomplete",
                        file,
                        fileBytes,
                        what));
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
