package dev.stator.routing.index;

/**
 * How large a {@link BlockIndex} is.
 *
 * @param maxBytes the most memory that it takes. Eleven sixteenths, taken at once, are for blocks,
 *     21.3 bytes each; up to three sixteenths are for sets of several holders, and up to an eighth
 *     is for blocks that are expected. So there is room for a block in every 31.1 bytes, however
 *     many places hold it.
 */
public record IndexOptions(long maxBytes) {
    private static final long LEAST = 64 << 10;
    private static final long MOST = BlockTable.MAX_BYTES / 11 * 16;

    public IndexOptions {
        if (maxBytes < LEAST || maxBytes > MOST) {
            throw new IllegalArgumentException(
                    "maxBytes (%d) must be between %d and %d".formatted(maxBytes, LEAST, MOST));
        }
    }

    long tableBytes() {
        return maxBytes / 16 * 11;
    }

    long setBytes() {
        return maxBytes / 16 * 3;
    }

    long expectationBytes() {
        return maxBytes / 8;
    }
}
