package dev.stator.cache.remote;

/** What a payload is written as. */
public sealed interface PayloadCodec {
    PayloadCodec RAW = new Raw();

    /** As it is in the host tier. */
    record Raw() implements PayloadCodec {}

    /**
     * Compressed, without loss: the n-th bytes of all numbers stand together, then Zstandard. The
     * bytes with sign and exponent compress, the others hardly.
     *
     * @param elementBytes of a number: 2 for f16 and bf16, 4 for f32, 1 for what is quantised
     */
    record Lossless(int elementBytes) implements PayloadCodec {
        public Lossless {
            if (elementBytes < 1 || elementBytes > 16) {
                throw new IllegalArgumentException(
                        "elementBytes must be from 1 to 16, is " + elementBytes);
            }
        }
    }
}
