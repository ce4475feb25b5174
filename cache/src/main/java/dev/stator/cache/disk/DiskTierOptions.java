package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import dev.stator.cache.EvictionPolicy;
import dev.stator.cache.Inventory;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * How to open a {@link DiskTier}.
 *
 * @param directory the tier's folder, of which only one process at a time may make use; created if
 *     absent
 * @param capacityBytes the most bytes of its segments, at least four
 * @param segmentBytes the most bytes of one segment, at least {@link #LEAST_SEGMENT_BYTES}
 * @param fingerprint of all that makes KV of this model differ from another's; blocks under another
 *     one are ignored
 * @param keyFile holds the secret that authenticates and encrypts; if empty, one is made in the
 *     folder
 * @param queueBytes the most bytes of blocks that wait to be written; beyond it they are shed
 * @param policy values blocks
 * @param inventory hears of blocks that come and go
 * @param warnings hears sentences for the operator; must not block
 */
public record DiskTierOptions(
        Path directory,
        long capacityBytes,
        long segmentBytes,
        BlockKey fingerprint,
        Optional<Path> keyFile,
        long queueBytes,
        EvictionPolicy policy,
        Inventory inventory,
        Consumer<String> warnings) {
    /** The head, a small block and the index. */
    public static final long LEAST_SEGMENT_BYTES = 16 << 10;

    /** The tier writes to one segment, keeps one free to rewrite into, and evicts whole ones. */
    public static final int LEAST_SEGMENTS = 4;

    private static final int SEGMENTS = 64;
    private static final long MOST_SEGMENT_BYTES = 256L << 20;
    private static final int BLOCKS_PER_SEGMENT = 8;
    private static final long QUEUE_BYTES = 256L << 20;

    public DiskTierOptions {
        if (segmentBytes < LEAST_SEGMENT_BYTES || segmentBytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "segmentBytes (%d) must be between %d and 2^31 - 1"
                            .formatted(segmentBytes, LEAST_SEGMENT_BYTES));
        }
        if (capacityBytes < LEAST_SEGMENTS * segmentBytes) {
            throw new IllegalArgumentException(
                    "a disk tier of %d MiB is too small: it needs at least %d MiB"
                            .formatted(
                                    capacityBytes >> 20,
                                    Math.ceilDiv(LEAST_SEGMENTS * segmentBytes, 1 << 20)));
        }
        if (queueBytes < 1) {
            throw new IllegalArgumentException("queueBytes must be positive, is " + queueBytes);
        }
    }

    /**
     * Segments of a 64th of the capacity within bounds; cost-aware eviction; warnings go to the
     * system logger.
     *
     * @param blockBytes bytes of a full block
     */
    public static DiskTierOptions of(
            Path directory, long capacityBytes, int blockBytes, BlockKey fingerprint) {
        System.Logger logger = System.getLogger(DiskTier.class.getName());
        long least = Math.max(LEAST_SEGMENT_BYTES, (long) BLOCKS_PER_SEGMENT * blockBytes);
        return new DiskTierOptions(
                directory,
                capacityBytes,
                Math.max(least, Math.min(MOST_SEGMENT_BYTES, capacityBytes / SEGMENTS)),
                fingerprint,
                Optional.empty(),
                QUEUE_BYTES,
                EvictionPolicy.costAware(),
                Inventory.NONE,
                warning -> logger.log(System.Logger.Level.WARNING, warning));
    }

    public DiskTierOptions withSegmentBytes(long bytes) {
        return new DiskTierOptions(
                directory,
                capacityBytes,
                bytes,
                fingerprint,
                keyFile,
                queueBytes,
                policy,
                inventory,
                warnings);
    }

    public DiskTierOptions withKeyFile(Optional<Path> file) {
        return new DiskTierOptions(
                directory,
                capacityBytes,
                segmentBytes,
                fingerprint,
                file,
                queueBytes,
                policy,
                inventory,
                warnings);
    }

    public DiskTierOptions withQueueBytes(long bytes) {
        return new DiskTierOptions(
                directory,
                capacityBytes,
                segmentBytes,
                fingerprint,
                keyFile,
                bytes,
                policy,
                inventory,
                warnings);
    }

    public DiskTierOptions withInventory(Inventory other) {
        return new DiskTierOptions(
                directory,
                capacityBytes,
                segmentBytes,
                fingerprint,
                keyFile,
                queueBytes,
                policy,
                other,
                warnings);
    }

    public DiskTierOptions withWarnings(Consumer<String> other) {
        return new DiskTierOptions(
                directory,
                capacityBytes,
                segmentBytes,
                fingerprint,
                keyFile,
                queueBytes,
                policy,
                inventory,
                other);
    }
}
