package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import dev.stator.cache.EvictionPolicy;
import dev.stator.cache.Inventory;
import dev.stator.cache.codec.PayloadCodec;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * How to open a {@link DiskTier}.
 *
 * @param folders at least one; segments are spread over them
 * @param fingerprint of all that makes KV of this model differ from another's; blocks under another
 *     one are ignored
 * @param keyFile holds the secret that authenticates and encrypts; if empty, each folder gets one
 * @param codec what payloads are written with; what another codec wrote is another folder's, or
 *     under another fingerprint
 * @param queueBytes the most bytes of blocks that wait to be written; beyond it they are shed
 * @param policy values blocks
 * @param inventory hears of blocks that come and go
 * @param warnings hears sentences for the operator; must not block
 */
public record DiskTierOptions(
        List<DiskFolder> folders,
        BlockKey fingerprint,
        Optional<Path> keyFile,
        PayloadCodec codec,
        long queueBytes,
        EvictionPolicy policy,
        Inventory inventory,
        Consumer<String> warnings) {
    private static final long QUEUE_BYTES = 256L << 20;

    public DiskTierOptions {
        folders = List.copyOf(folders);
        if (folders.isEmpty()) {
            throw new IllegalArgumentException("a disk tier needs a folder");
        }
        if (queueBytes < 1) {
            throw new IllegalArgumentException("queueBytes must be positive, is " + queueBytes);
        }
    }

    /**
     * One folder.
     *
     * @param blockBytes bytes of a full block
     */
    public static DiskTierOptions of(
            Path directory, long capacityBytes, int blockBytes, BlockKey fingerprint) {
        return of(List.of(DiskFolder.of(directory, capacityBytes, blockBytes)), fingerprint);
    }

    /** Cost-aware eviction; warnings go to the system logger. */
    public static DiskTierOptions of(List<DiskFolder> folders, BlockKey fingerprint) {
        System.Logger logger = System.getLogger(DiskTier.class.getName());
        return new DiskTierOptions(
                folders,
                fingerprint,
                Optional.empty(),
                PayloadCodec.RAW,
                QUEUE_BYTES,
                EvictionPolicy.costAware(),
                Inventory.NONE,
                warning -> logger.log(System.Logger.Level.WARNING, warning));
    }

    /** Of all folders together. */
    long capacityBytes() {
        return folders.stream().mapToLong(DiskFolder::capacityBytes).sum();
    }

    public DiskTierOptions withSegmentBytes(long bytes) {
        return new DiskTierOptions(
                folders.stream().map(folder -> folder.withSegmentBytes(bytes)).toList(),
                fingerprint,
                keyFile,
                codec,
                queueBytes,
                policy,
                inventory,
                warnings);
    }

    public DiskTierOptions withKeyFile(Optional<Path> file) {
        return new DiskTierOptions(
                folders, fingerprint, file, codec, queueBytes, policy, inventory, warnings);
    }

    public DiskTierOptions withCodec(PayloadCodec other) {
        return new DiskTierOptions(
                folders, fingerprint, keyFile, other, queueBytes, policy, inventory, warnings);
    }

    public DiskTierOptions withQueueBytes(long bytes) {
        return new DiskTierOptions(
                folders, fingerprint, keyFile, codec, bytes, policy, inventory, warnings);
    }

    public DiskTierOptions withInventory(Inventory other) {
        return new DiskTierOptions(
                folders, fingerprint, keyFile, codec, queueBytes, policy, other, warnings);
    }

    public DiskTierOptions withWarnings(Consumer<String> other) {
        return new DiskTierOptions(
                folders, fingerprint, keyFile, codec, queueBytes, policy, inventory, other);
    }
}
