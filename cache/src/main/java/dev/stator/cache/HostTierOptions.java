package dev.stator.cache;

import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * How to open a {@link HostTier}.
 *
 * @param directory where the tier's one file lives; created if absent
 * @param capacityBytes the most bytes of rows, at least one slot's; token ids, 4 bytes each, and 4
 *     bytes more for each block lie behind them in that file
 * @param slotBytes bytes of a full block, a multiple of {@code blockTokens}
 * @param blockTokens tokens of a full block
 * @param eviction who goes first when the tier is full
 * @param inventory hears of blocks that come and go
 * @param warnings hears sentences for the operator; called without locks, must not block
 */
public record HostTierOptions(
        Path directory,
        long capacityBytes,
        int slotBytes,
        int blockTokens,
        Eviction eviction,
        Inventory inventory,
        Consumer<String> warnings) {
    /** Slots begin at multiples of this, so that no two share a page. */
    private static final int SLOT_ALIGNMENT = 4096;

    public HostTierOptions {
        if (blockTokens < 1 || slotBytes < 1 || slotBytes % blockTokens != 0) {
            throw new IllegalArgumentException(
                    "slotBytes (%d) must be a positive multiple of blockTokens (%d)"
                            .formatted(slotBytes, blockTokens));
        }
        long slots = capacityBytes / stride(slotBytes);
        if (slots < 1 || slots > KeyTable.MOST) {
            throw new IllegalArgumentException(
                    "capacityBytes (%d) must hold between 1 and 2^30 blocks of %d bytes"
                            .formatted(capacityBytes, stride(slotBytes)));
        }
    }

    /** Evicts by reuse; warnings go to the system logger. */
    public static HostTierOptions of(
            Path directory, long capacityBytes, int slotBytes, int blockTokens) {
        System.Logger logger = System.getLogger(HostTier.class.getName());
        return new HostTierOptions(
                directory,
                capacityBytes,
                slotBytes,
                blockTokens,
                Eviction.BY_REUSE,
                Inventory.NONE,
                warning -> logger.log(System.Logger.Level.WARNING, warning));
    }

    public HostTierOptions withEviction(Eviction other) {
        return new HostTierOptions(
                directory, capacityBytes, slotBytes, blockTokens, other, inventory, warnings);
    }

    public HostTierOptions withInventory(Inventory other) {
        return new HostTierOptions(
                directory, capacityBytes, slotBytes, blockTokens, eviction, other, warnings);
    }

    public HostTierOptions withWarnings(Consumer<String> other) {
        return new HostTierOptions(
                directory, capacityBytes, slotBytes, blockTokens, eviction, inventory, other);
    }

    /** Blocks that fit. */
    public int slots() {
        return (int) (capacityBytes / stride());
    }

    /** Bytes of a block of so many tokens. */
    public int blockBytes(int tokens) {
        return slotBytes / blockTokens * tokens;
    }

    long stride() {
        return stride(slotBytes);
    }

    private static long stride(int slotBytes) {
        return Math.ceilDiv((long) slotBytes, SLOT_ALIGNMENT) * SLOT_ALIGNMENT;
    }
}
