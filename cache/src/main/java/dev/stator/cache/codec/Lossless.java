package dev.stator.cache.codec;

import io.airlift.compress.v3.MalformedInputException;
import io.airlift.compress.v3.zstd.ZstdCompressor;
import io.airlift.compress.v3.zstd.ZstdDecompressor;
import io.airlift.compress.v3.zstd.ZstdJavaCompressor;
import io.airlift.compress.v3.zstd.ZstdNativeCompressor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Compresses and restores payloads; see {@link PayloadCodec.Lossless}. Not thread-safe. */
final class Lossless {
    /** The fastest: what zstd finds in KV it finds at once. */
    private static final int LEVEL = 1;

    private final ZstdCompressor compressor =
            ZstdNativeCompressor.isEnabled()
                    ? new ZstdNativeCompressor(LEVEL)
                    : new ZstdJavaCompressor();
    private final ZstdDecompressor decompressor = ZstdDecompressor.create();
    private byte[] numbers = {};
    private byte[] planes = {};
    private byte[] compressed = {};

    private void makeRoom(int size) {
        if (numbers.length < size) {
            numbers = new byte[size];
            planes = new byte[size];
        }
    }

    /** Leaves the result in {@link #compressed()}; returns how many bytes it has. */
    int compress(MemorySegment rows, int elementBytes) {
        int size = Math.toIntExact(rows.byteSize());
        makeRoom(size);
        int most = compressor.maxCompressedLength(size);
        if (compressed.length < most) {
            compressed = new byte[most];
        }
        MemorySegment.copy(rows, ValueLayout.JAVA_BYTE, 0, numbers, 0, size);
        BytePlanes.split(numbers, planes, size, elementBytes);
        return compressor.compress(planes, 0, size, compressed, 0, compressed.length);
    }

    byte[] compressed() {
        return compressed;
    }

    /** Leaves the result in {@link #restored()}; false if it is not {@code size} bytes. */
    boolean restore(byte[] from, int at, int bytes, int size, int elementBytes) {
        makeRoom(size);
        try {
            if (decompressor.getDecompressedSize(from, at, bytes) != size
                    || decompressor.decompress(from, at, bytes, planes, 0, size) != size) {
                return false;
            }
        } catch (MalformedInputException | IllegalArgumentException _) {
            return false;
        }
        BytePlanes.join(planes, numbers, size, elementBytes);
        return true;
    }

    byte[] restored() {
        return numbers;
    }
}
