package dev.stator.cache.disk;

import java.nio.file.Path;

/**
 * A folder of a disk tier, of which only one process at a time may make use.
 *
 * @param path created if absent
 * @param capacityBytes the most bytes of its segments, at least {@link #LEAST_SEGMENTS} of them
 * @param segmentBytes the most bytes of one segment, at least {@link #LEAST_SEGMENT_BYTES}
 */
public record DiskFolder(Path path, long capacityBytes, long segmentBytes) {
    /** The head, a small block and the index. */
    public static final long LEAST_SEGMENT_BYTES = 16 << 10;

    /** The tier writes to one segment, keeps one free to rewrite into, and evicts whole ones. */
    public static final int LEAST_SEGMENTS = 4;

    private static final int SEGMENTS = 64;
    private static final long MOST_SEGMENT_BYTES = 256L << 20;
    private static final int BLOCKS_PER_SEGMENT = 8;

    public DiskFolder {
        if (segmentBytes < LEAST_SEGMENT_BYTES || segmentBytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "segmentBytes (%d) must be between %d and 2^31 - 1"
                            .formatted(segmentBytes, LEAST_SEGMENT_BYTES));
        }
        if (capacityBytes < LEAST_SEGMENTS * segmentBytes) {
            throw new IllegalArgumentException(
                    "a disk tier of %d MiB in %s is too small: it needs at least %d MiB"
                            .formatted(
                                    capacityBytes >> 20,
                                    path,
                                    Math.ceilDiv(LEAST_SEGMENTS * segmentBytes, 1 << 20)));
        }
    }

    /**
     * Segments of a 64th of the capacity, within bounds.
     *
     * @param blockBytes bytes of a full block
     */
    public static DiskFolder of(Path path, long capacityBytes, int blockBytes) {
        long least = Math.max(LEAST_SEGMENT_BYTES, (long) BLOCKS_PER_SEGMENT * blockBytes);
        return new DiskFolder(
                path,
                capacityBytes,
                Math.max(least, Math.min(MOST_SEGMENT_BYTES, capacityBytes / SEGMENTS)));
    }

    DiskFolder withSegmentBytes(long bytes) {
        return new DiskFolder(path, capacityBytes, bytes);
    }
}
