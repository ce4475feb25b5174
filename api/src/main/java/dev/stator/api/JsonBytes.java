package dev.stator.api;

import io.netty.buffer.ByteBuf;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A growing byte array that writes JSON text by hand: the path that every streamed token takes. */
final class JsonBytes {
    private static final int INITIAL_BYTES = 512;
    private static final int KEPT_BYTES = 8 << 10;

    /** Written for half of a surrogate pair, which UTF-8 cannot say. */
    private static final char REPLACEMENT = '\uFFFD';

    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private byte[] bytes = new byte[INITIAL_BYTES];
    private int size;

    int size() {
        return size;
    }

    void append(byte[] more) {
        ensure(more.length);
        System.arraycopy(more, 0, bytes, size, more.length);
        size += more.length;
    }

    /** Appends the inside of a JSON string. */
    void appendEscaped(String text) {
        int length = text.length();
        // A UTF-16 unit becomes at most 6 bytes (\u001f).
        ensure(6 * length);
        byte[] out = bytes;
        int at = size;
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            if (c < 0x80) {
                if (c >= 0x20 && c != '"' && c != '\\') {
                    out[at++] = (byte) c;
                } else {
                    at = escape(c, out, at);
                }
            } else if (Character.isHighSurrogate(c)
                    && i + 1 < length
                    && Character.isLowSurrogate(text.charAt(i + 1))) {
                int point = Character.toCodePoint(c, text.charAt(++i));
                out[at++] = (byte) (0xf0 | point >> 18);
                out[at++] = (byte) (0x80 | point >> 12 & 0x3f);
                out[at++] = (byte) (0x80 | point >> 6 & 0x3f);
                out[at++] = (byte) (0x80 | point & 0x3f);
            } else {
                at = encode(Character.isSurrogate(c) ? REPLACEMENT : c, out, at);
            }
        }
        size = at;
    }

    private static int escape(char c, byte[] out, int start) {
        int at = start;
        out[at++] = '\\';
        switch (c) {
            case '"', '\\' -> out[at++] = (byte) c;
            case '\n' -> out[at++] = 'n';
            case '\r' -> out[at++] = 'r';
            case '\t' -> out[at++] = 't';
            default -> {
                out[at++] = 'u';
                out[at++] = '0';
                out[at++] = '0';
                out[at++] = HEX[c >> 4];
                out[at++] = HEX[c & 0xf];
            }
        }
        return at;
    }

    private static int encode(char c, byte[] out, int start) {
        int at = start;
        if (c < 0x800) {
            out[at++] = (byte) (0xc0 | c >> 6);
        } else {
            out[at++] = (byte) (0xe0 | c >> 12);
            out[at++] = (byte) (0x80 | c >> 6 & 0x3f);
        }
        out[at++] = (byte) (0x80 | c & 0x3f);
        return at;
    }

    /** A copy of all bytes; empties this. */
    Buffer take() {
        var taken = Buffer.buffer(size).appendBytes(bytes, 0, size);
        clear();
        return taken;
    }

    /** Appends all bytes to a buffer that has room for them; empties this. */
    void drainTo(ByteBuf buffer) {
        buffer.writeBytes(bytes, 0, size);
        clear();
    }

    void clear() {
        size = 0;
        if (bytes.length > KEPT_BYTES) {
            bytes = new byte[INITIAL_BYTES];
        }
    }

    private void ensure(int more) {
        if (bytes.length - size < more) {
            bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, size + more));
        }
    }
}
