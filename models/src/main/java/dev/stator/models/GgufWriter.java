package dev.stator.models;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.IntFunction;
import java.util.function.IntUnaryOperator;

/** Writes GGUF's little-endian values to a channel through one buffer. */
final class GgufWriter {
    static final int MAGIC = 0x46554747;
    static final int VERSION = 3;
    static final int ALIGNMENT = 32;
    private static final int BUFFER_BYTES = 1 << 20;

    /** One metadata value: its type, then its payload. */
    interface Value {
        void write(GgufWriter out) throws IOException;
    }

    private final WritableByteChannel channel;
    private final ByteBuffer buffer =
            ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private long position;

    GgufWriter(WritableByteChannel channel) {
        this.channel = channel;
    }

    static Value text(String text) {
        return out -> {
            out.putInt(GgufType.STRING.ordinal());
            out.putText(text);
        };
    }

    static Value u32(int value) {
        return out -> {
            out.putInt(GgufType.UINT32.ordinal());
            out.putInt(value);
        };
    }

    static Value f32(float value) {
        return out -> {
            out.putInt(GgufType.FLOAT32.ordinal());
            out.putInt(Float.floatToRawIntBits(value));
        };
    }

    static Value flag(boolean value) {
        return out -> {
            out.putInt(GgufType.BOOL.ordinal());
            out.room(1).put((byte) (value ? 1 : 0));
        };
    }

    static Value texts(int count, IntFunction<String> texts) {
        return out -> {
            out.putInt(GgufType.ARRAY.ordinal());
            out.putInt(GgufType.STRING.ordinal());
            out.putLong(count);
            for (int i = 0; i < count; i++) {
                out.putText(texts.apply(i));
            }
        };
    }

    static Value i32s(int count, IntUnaryOperator values) {
        return out -> {
            out.putInt(GgufType.ARRAY.ordinal());
            out.putInt(GgufType.INT32.ordinal());
            out.putLong(count);
            for (int i = 0; i < count; i++) {
                out.putInt(values.applyAsInt(i));
            }
        };
    }

    /** The bytes {@code [from, to)} of a file, which hold a value with its type. */
    static Value copied(Path file, long from, long to) {
        return out -> {
            try (var source = FileChannel.open(file, StandardOpenOption.READ)) {
                long at = from;
                while (at < to) {
                    var target = out.room(1);
                    var slice =
                            target.slice(
                                    target.position(), (int) Math.min(target.remaining(), to - at));
                    int count = source.read(slice, at);
                    if (count < 0) {
                        throw new IOException(file + " became shorter while it was copied");
                    }
                    target.position(target.position() + count);
                    at += count;
                }
            }
        };
    }

    void putInt(int value) throws IOException {
        room(Integer.BYTES).putInt(value);
    }

    void putLong(long value) throws IOException {
        room(Long.BYTES).putLong(value);
    }

    void putText(String text) throws IOException {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        putLong(utf8.length);
        int at = 0;
        while (at < utf8.length) {
            var target = room(1);
            int count = Math.min(target.remaining(), utf8.length - at);
            target.put(utf8, at, count);
            at += count;
        }
    }

    /** Zeros up to the next multiple of the alignment. */
    void align() throws IOException {
        while (position() % ALIGNMENT != 0) {
            room(1).put((byte) 0);
        }
    }

    long position() {
        return position + buffer.position();
    }

    /** A buffer with at least so many bytes of room, at most {@link #BUFFER_BYTES}. */
    ByteBuffer room(int bytes) throws IOException {
        if (buffer.remaining() < bytes) {
            flush();
        }
        return buffer;
    }

    void flush() throws IOException {
        buffer.flip();
        while (buffer.hasRemaining()) {
            position += channel.write(buffer);
        }
        buffer.clear();
    }
}
