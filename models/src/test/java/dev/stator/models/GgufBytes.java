package dev.stator.models;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Puts a GGUF file together field by field, right or wrong. */
final class GgufBytes {
    private final ByteArrayOutputStream keys = new ByteArrayOutputStream();
    private final ByteArrayOutputStream tensors = new ByteArrayOutputStream();
    private int version = 3;
    private long keyCount;
    private long tensorCount;
    private int weightBytes;

    static GgufBytes model() {
        return new GgufBytes();
    }

    GgufBytes version(int other) {
        version = other;
        return this;
    }

    /** Claims more than there is. */
    GgufBytes claimKeys(long more) {
        keyCount += more;
        return this;
    }

    GgufBytes claimTensors(long more) {
        tensorCount += more;
        return this;
    }

    GgufBytes key(String key, int type, byte[]... payload) {
        keyCount++;
        put(keys, text(key), u32(type));
        put(keys, payload);
        return this;
    }

    GgufBytes key(String key, String value) {
        return key(key, GgufType.STRING.ordinal(), text(value));
    }

    GgufBytes key(String key, int value) {
        return key(key, GgufType.UINT32.ordinal(), u32(value));
    }

    GgufBytes list(String key, GgufType type, long count, byte[]... elements) {
        keyCount++;
        put(keys, text(key), u32(GgufType.ARRAY.ordinal()), u32(type.ordinal()), u64(count));
        put(keys, elements);
        return this;
    }

    GgufBytes tensor(String name, int type, long offset, long... dimensions) {
        tensorCount++;
        put(tensors, text(name), u32(dimensions.length));
        for (long dimension : dimensions) {
            put(tensors, u64(dimension));
        }
        put(tensors, u32(type), u64(offset));
        return this;
    }

    GgufBytes weights(int bytes) {
        weightBytes = bytes;
        return this;
    }

    byte[] bytes() {
        var file = new ByteArrayOutputStream();
        put(
                file,
                "GGUF".getBytes(StandardCharsets.US_ASCII),
                u32(version),
                u64(tensorCount),
                u64(keyCount),
                keys.toByteArray(),
                tensors.toByteArray());
        if (weightBytes > 0) {
            put(file, new byte[Math.floorMod(-file.size(), 32)], new byte[weightBytes]);
        }
        return file.toByteArray();
    }

    Path write(Path folder) {
        try {
            return Files.write(folder.resolve("model.gguf"), bytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static byte[] u32(int value) {
        return little(Integer.BYTES).putInt(value).array();
    }

    static byte[] u64(long value) {
        return little(Long.BYTES).putLong(value).array();
    }

    static byte[] text(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return little(Long.BYTES + utf8.length).putLong(utf8.length).put(utf8).array();
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void put(ByteArrayOutputStream out, byte[]... pieces) {
        for (byte[] piece : pieces) {
            out.writeBytes(piece);
        }
    }
}
