package dev.stator.cache.codec;

import java.util.Optional;

/** What the rows of a block, its payload, are written as. */
public sealed interface PayloadCodec {
    PayloadCodec RAW = new Raw();

    /** What stands for it in a record. */
    int code();

    /** Whether what is read may differ from what was written. */
    default boolean isLossy() {
        return false;
    }

    /** As it is in the host tier. */
    record Raw() implements PayloadCodec {
        @Override
        public int code() {
            return 0;
        }
    }

    /**
     * Compressed, without loss: the n-th bytes of all numbers stand together, then Zstandard. The
     * bytes with sign and exponent compress, the others hardly.
     *
     * @param elementBytes of a number: 2 for f16 and bf16, 4 for f32, 1 for what is quantised
     */
    record Lossless(int elementBytes) implements PayloadCodec {
        private static final int MOST_BYTES = 16;

        public Lossless {
            if (elementBytes < 1 || elementBytes > MOST_BYTES) {
                throw new IllegalArgumentException(
                        "elementBytes must be from 1 to 16, is " + elementBytes);
            }
        }

        @Override
        public int code() {
            return elementBytes;
        }
    }

    /**
     * Rounded to 8 bits a number, as ggml's Q8_0: 32 numbers share a scale. KV that was read so
     * makes other answers now and then, so whoever reads it must have chosen to.
     *
     * @param elementBytes of a number: 2 for f16, 4 for f32
     */
    record Q8(int elementBytes) implements PayloadCodec {
        private static final int CODE = 0x80;

        public Q8 {
            if (elementBytes != Short.BYTES && elementBytes != Float.BYTES) {
                throw new IllegalArgumentException(
                        "elementBytes must be 2 or 4, is " + elementBytes);
            }
        }

        @Override
        public int code() {
            return CODE | elementBytes;
        }

        @Override
        public boolean isLossy() {
            return true;
        }
    }

    /** The codec that a record names; empty if this version knows none. */
    static Optional<PayloadCodec> of(int code) {
        if (code == 0) {
            return Optional.of(RAW);
        }
        if (code > 0 && code <= Lossless.MOST_BYTES) {
            return Optional.of(new Lossless(code));
        }
        return code == (Q8.CODE | Short.BYTES) || code == (Q8.CODE | Float.BYTES)
                ? Optional.of(new Q8(code & ~Q8.CODE))
                : Optional.empty();
    }
}
