package dev.stator.cluster;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Millions of keys as the bytes of messages, little end first, as Protocol Buffers packs numbers;
 * but copied all at once, which matters to a frontend whose code is not compiled yet.
 */
final class PackedKeys {
    private PackedKeys() {}

    /** Of [from, to). */
    static ByteString of(long[] keys, int from, int to) {
        var bytes = ByteBuffer.allocate((to - from) * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asLongBuffer().put(keys, from, to - from);
        return UnsafeByteOperations.unsafeWrap(bytes.array());
    }

    /**
     * All of them, one after the other.
     *
     * @throws IllegalArgumentException if they are not whole keys
     */
    static long[] keys(List<ByteString> parts) {
        long[] keys = new long[parts.stream().mapToInt(PackedKeys::count).sum()];
        int at = 0;
        for (var part : parts) {
            int count = count(part);
            part.asReadOnlyByteBuffer()
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asLongBuffer()
                    .get(keys, at, count);
            at += count;
        }
        return keys;
    }

    private static int count(ByteString part) {
        if (part.size() % Long.BYTES != 0) {
            throw new IllegalArgumentException(
                    "%d bytes are not whole keys of %d".formatted(part.size(), Long.BYTES));
        }
        return part.size() / Long.BYTES;
    }
}
