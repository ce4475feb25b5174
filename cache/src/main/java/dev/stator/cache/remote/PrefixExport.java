package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockLease;
import dev.stator.cache.HostTier;
import dev.stator.cache.codec.PayloadCodec;
import java.util.List;
import java.util.Optional;

/**
 * Makes a file of a prefix, block by block; see {@link PrefixFormat}. The prefix stays in the tier
 * until the export is closed. Not thread-safe.
 */
public final class PrefixExport implements AutoCloseable {
    private final HostTier tier;
    private final SharedKey key;
    private final PrefixModel model;

    /** While the last block cannot go, those before it cannot either. */
    private final BlockLease last;

    private final List<BlockKey> keys;
    private final RecordWriter writer;
    private int written = -1;
    private int tokens;

    private PrefixExport(
            HostTier tier, SharedKey key, PrefixModel model, BlockLease last, List<BlockKey> keys) {
        this.tier = tier;
        this.key = key;
        this.model = model;
        this.last = last;
        this.keys = keys;
        this.writer = new RecordWriter(key, model.fingerprint(), PayloadCodec.RAW);
    }

    /**
     * @param last key of the prefix's last block
     * @return empty if the tier holds no such block
     */
    public static Optional<PrefixExport> open(
            HostTier tier, SharedKey key, PrefixModel model, BlockKey last) {
        return tier.hold(last)
                .map(lease -> new PrefixExport(tier, key, model, lease, tier.chain(last)));
    }

    /**
     * The file's next bytes, a block's at most; empty at its end.
     *
     * @throws IllegalStateException if the tier was closed
     */
    public Optional<byte[]> next() {
        int block = written++;
        if (block < 0) {
            return Optional.of(
                    PrefixFormat.write(
                            new PrefixFormat.Header(
                                    model,
                                    keys.size(),
                                    PrefixFormat.which(key),
                                    last.root(),
                                    keys.getLast()),
                            key));
        }
        return block < keys.size() ? Optional.of(record(block)) : Optional.empty();
    }

    private byte[] record(int block) {
        BlockKey own = keys.get(block);
        try (BlockLease lease =
                tier.hold(own)
                        .orElseThrow(() -> new IllegalStateException("the host tier is closed"))) {
            RemoteBlock described =
                    new RemoteBlock(
                            own,
                            block == 0 ? last.root() : keys.get(block - 1),
                            tokens,
                            lease.tokens(),
                            Math.toIntExact(lease.rows().byteSize()),
                            lease.recomputeMicros());
            tokens += lease.tokens();
            return writer.encode(described, lease.tokenIds(), lease.rows());
        }
    }

    @Override
    public void close() {
        last.close();
    }
}
