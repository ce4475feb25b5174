package dev.stator.routing.index;

/**
 * How large a {@link BlockIndex} is.
 *
 * @param maxBytes the most memory that it takes. Five eighths, taken at once, are for blocks, 16
 *     bytes each; up to a quarter is for sets of several holders, and up to an eighth for blocks
 *     that are expected. So there is room for a block in every 26 bytes, however many places hold
 *     it.
 */
public record IndexOptions(long maxBytes) {
    private static final long LEAST = 64 << 10;
    private static final long MOST = BlockTable.MAX_BYTES / 5 * 8;

    public IndexOptions {
        if (maxBytes < LEAST || maxBytes > MOST) {
            throw new IllegalArgumentException(
                    "maxBytes (%d) must be between %d and %d".formatted(maxBytes, LEAST, MOST));
        }
    }

    long tableBytes() {
        return maxBytes / 8 * 5;
    }

    long setBytes() {
        return maxBytes / 4;
    }

    long expectationBytes() {
        return maxBytes / 8;
    }
}
