package dev.stator.cache.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** Writes payloads as codecs say, and reads them. Not thread-safe. */
public final class PayloadCoder {
    private Optional<Lossless> lossless = Optional.empty();
    private Optional<Quantised> quantised = Optional.empty();
    private byte[] decoded = {};
    private int decodedAt;
    private int decodedBytes;

    /**
     * @param codec what it was written as in the end
     * @param bytes good until the next call
     */
    public record Encoded(PayloadCodec codec, MemorySegment bytes) {}

    /**
     * What does not become smaller, or cannot be rounded (numbers that are none, infinite or beyond
     * what a scale reaches), is left as it is.
     */
    public Encoded encode(PayloadCodec codec, MemorySegment rows) {
        int size = Math.toIntExact(rows.byteSize());
        return switch (codec) {
            case PayloadCodec.Raw _ -> new Encoded(codec, rows);
            case PayloadCodec.Lossless(int elementBytes) -> {
                int bytes = lossless().compress(rows, elementBytes);
                yield bytes < size
                        ? encoded(codec, lossless().compressed(), bytes)
                        : new Encoded(PayloadCodec.RAW, rows);
            }
            case PayloadCodec.Q8(int elementBytes) ->
                    Quantised.fits(size, elementBytes) && quantised().encode(rows, elementBytes)
                            ? encoded(
                                    codec,
                                    quantised().encoded(),
                                    Quantised.encodedBytes(size, elementBytes))
                            : new Encoded(PayloadCodec.RAW, rows);
        };
    }

    private static Encoded encoded(PayloadCodec codec, byte[] array, int bytes) {
        return new Encoded(codec, MemorySegment.ofArray(array).asSlice(0, bytes));
    }

    /** Whether a payload can take so many bytes. */
    public static boolean canBe(PayloadCodec codec, int bytes, int size) {
        return switch (codec) {
            case PayloadCodec.Raw _ -> bytes == size;
            case PayloadCodec.Lossless _ -> bytes > 0 && bytes < size;
            case PayloadCodec.Q8(int elementBytes) ->
                    Quantised.fits(size, elementBytes)
                            && bytes == Quantised.encodedBytes(size, elementBytes);
        };
    }

    /**
     * @param from must not change until the payload has been copied
     * @param size that the payload must have
     * @return whether these bytes are a payload as the codec writes it; if so, it can be
     *     {@linkplain #copyTo copied}
     */
    public boolean decode(PayloadCodec codec, byte[] from, int at, int bytes, int size) {
        decodedBytes = 0;
        if (!canBe(codec, bytes, size)) {
            return false;
        }
        boolean intact =
                switch (codec) {
                    case PayloadCodec.Raw _ -> found(from, at);
                    case PayloadCodec.Lossless(int elementBytes) ->
                            lossless().restore(from, at, bytes, size, elementBytes)
                                    && found(lossless().restored(), 0);
                    case PayloadCodec.Q8(int elementBytes) ->
                            quantised().restore(from, at, bytes, size, elementBytes)
                                    && found(quantised().restored(), 0);
                };
        decodedBytes = intact ? size : 0;
        return intact;
    }

    private boolean found(byte[] array, int at) {
        decoded = array;
        decodedAt = at;
        return true;
    }

    /** Copies what was decoded last. */
    public void copyTo(MemorySegment rows) {
        MemorySegment.copy(decoded, decodedAt, rows, ValueLayout.JAVA_BYTE, 0, decodedBytes);
    }

    private Lossless lossless() {
        if (lossless.isEmpty()) {
            lossless = Optional.of(new Lossless());
        }
        return lossless.get();
    }

    private Quantised quantised() {
        if (quantised.isEmpty()) {
            quantised = Optional.of(new Quantised());
        }
        return quantised.get();
    }
}
