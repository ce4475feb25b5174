package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;
import dev.stator.cache.Inventory;
import dev.stator.cache.codec.PayloadCodec;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * How to use a store as a tier.
 *
 * @param fingerprint of all that makes KV of this model differ from another's; part of every name,
 *     and checked in every value
 * @param codec what payloads are written with; any can be read
 * @param blockTokens of a full block
 * @param blockBytes of a full block's rows
 * @param timeout after which an answer of the store is not waited for any longer
 * @param life after which the store forgets a block that nobody has written again; 0 for never
 * @param queueBytes the most bytes of blocks that wait to be written; beyond it they are shed
 * @param inventory hears what is known to be in the store; this is a part of what is there
 * @param warnings hears sentences for the operator; must not block
 */
public record RemoteTierOptions(
        SharedKey key,
        BlockKey fingerprint,
        PayloadCodec codec,
        int blockTokens,
        int blockBytes,
        Duration timeout,
        Duration life,
        long queueBytes,
        Inventory inventory,
        Consumer<String> warnings) {
    private static final Duration TIMEOUT = Duration.ofSeconds(1);
    private static final Duration LIFE = Duration.ofDays(1);
    private static final long QUEUE_BYTES = 256L << 20;

    public RemoteTierOptions {
        if (blockTokens < 1 || blockBytes < 1 || queueBytes < 1) {
            throw new IllegalArgumentException(
                    "blockTokens (%d), blockBytes (%d) and queueBytes (%d) must be positive"
                            .formatted(blockTokens, blockBytes, queueBytes));
        }
        if (timeout.isNegative() || timeout.isZero() || life.isNegative()) {
            throw new IllegalArgumentException(
                    "timeout (%s) must be positive, life (%s) not negative"
                            .formatted(timeout, life));
        }
    }

    /** Raw payloads that live a day, patience of a second; warnings go to the system logger. */
    public static RemoteTierOptions of(
            SharedKey key, BlockKey fingerprint, int blockTokens, int blockBytes) {
        System.Logger logger = System.getLogger(RemoteTier.class.getName());
        return new RemoteTierOptions(
                key,
                fingerprint,
                PayloadCodec.RAW,
                blockTokens,
                blockBytes,
                TIMEOUT,
                LIFE,
                QUEUE_BYTES,
                Inventory.NONE,
                warning -> logger.log(System.Logger.Level.WARNING, warning));
    }

    public RemoteTierOptions withCodec(PayloadCodec other) {
        return new RemoteTierOptions(
                key,
                fingerprint,
                other,
                blockTokens,
                blockBytes,
                timeout,
                life,
                queueBytes,
                inventory,
                warnings);
    }

    public RemoteTierOptions withTimes(Duration patience, Duration lifeOfBlocks) {
        return new RemoteTierOptions(
                key,
                fingerprint,
                codec,
                blockTokens,
                blockBytes,
                patience,
                lifeOfBlocks,
                queueBytes,
                inventory,
                warnings);
    }

    public RemoteTierOptions withQueueBytes(long bytes) {
        return new RemoteTierOptions(
                key,
                fingerprint,
                codec,
                blockTokens,
                blockBytes,
                timeout,
                life,
                bytes,
                inventory,
                warnings);
    }

    public RemoteTierOptions withInventory(Inventory other) {
        return new RemoteTierOptions(
                key,
                fingerprint,
                codec,
                blockTokens,
                blockBytes,
                timeout,
                life,
                queueBytes,
                other,
                warnings);
    }

    public RemoteTierOptions withWarnings(Consumer<String> other) {
        return new RemoteTierOptions(
                key,
                fingerprint,
                codec,
                blockTokens,
                blockBytes,
                timeout,
                life,
                queueBytes,
                inventory,
                other);
    }
}
