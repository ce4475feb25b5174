package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockReservation;
import dev.stator.cache.HostTier;
import dev.stator.cache.Tenant;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Gives blocks of a node's host tier to peers and takes theirs into it. How they travel is nobody's
 * concern here. Thread-safe.
 */
public final class BlockExchange {
    /** As long as nothing was computed, nobody knows what computing costs. */
    private static final Duration UNMEASURED = Duration.ofSeconds(2);

    private static final Duration LEAST = Duration.ofMillis(50);

    private final HostTier host;
    private final Blocks blocks;
    private final PrefillSpeed speed;
    private final String fingerprint;

    BlockExchange(HostTier host, Blocks blocks, PrefillSpeed speed, String fingerprint) {
        this.host = host;
        this.blocks = blocks;
        this.speed = speed;
        this.fingerprint = fingerprint;
    }

    /**
     * Of a host tier that has no slower ones below it.
     *
     * @param fingerprint of the model whose blocks it holds
     */
    public static BlockExchange of(HostTier host, String fingerprint) {
        var blocks =
                new Blocks(
                        Optional.of(host),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        host.options().blockTokens());
        return new BlockExchange(host, blocks, new PrefillSpeed(), fingerprint);
    }

    /**
     * A block that stays in the tier until it is given back.
     *
     * @param rows not to be touched afterwards
     */
    public record Lent(MemorySegment rows, int tokens, long recomputeMicros, Runnable giveBack)
            implements AutoCloseable {
        @Override
        public void close() {
            giveBack.run();
        }
    }

    /** Who knows a block's key knows what is in it: keys are made of tokens and tenant. */
    public Optional<Lent> lend(BlockKey key) {
        return host.hold(key)
                .map(
                        lease ->
                                new Lent(
                                        lease.rows(),
                                        lease.tokens(),
                                        lease.recomputeMicros(),
                                        lease::close));
    }

    /**
     * What of a prompt may come from a peer.
     *
     * @param end no more than so many leading blocks are wanted; all whole ones: then the short one
     *     behind them is, too
     */
    public Wanted wanted(GenerationRequest asked, int end) {
        int blockTokens = blocks.blockTokens();
        int whole = asked.splice().isPresent() ? 0 : (asked.prompt().length - 1) / blockTokens;
        int count = Math.clamp(end, 0, whole);
        boolean all = count == whole && asked.splice().isEmpty();
        var root = BlockKey.root(fingerprint, asked.salt());
        int[] tokens =
                Arrays.copyOf(
                        asked.prompt(), all ? asked.prompt().length - 1 : count * blockTokens);
        return new Wanted(
                root, BlockKey.chain(root, tokens, blockTokens), tokens, asked.standing().owner());
    }

    /** Writes a block's rows as they come. */
    @FunctionalInterface
    public interface Filling {
        /**
         * @param rows to be written whole
         * @throws IOException if they do not come, or are not what was sent
         */
        void fill(MemorySegment rows) throws IOException;
    }

    /**
     * Leading blocks of one prompt, of which some are to come from a peer, in order. Only the last
     * may be short.
     */
    public final class Wanted {
        private final BlockKey root;
        private final List<BlockKey> keys;
        private final int[] tokens;
        private final Tenant owner;

        private Wanted(BlockKey root, List<BlockKey> keys, int[] tokens, Tenant owner) {
            this.root = root;
            this.keys = keys;
            this.tokens = tokens;
            this.owner = owner;
        }

        /** Of all that are wanted. */
        public List<BlockKey> keys() {
            return keys;
        }

        /** How many of the first ones are there now. */
        public int had() {
            return host.match(keys);
        }

        /** How many tokens these blocks have. */
        public int tokens(int fromBlock, int toBlock) {
            int blockTokens = blocks.blockTokens();
            return Math.min(toBlock * blockTokens, tokens.length) - fromBlock * blockTokens;
        }

        /** How long it may take to fetch so many tokens: what computing them would take. */
        public Duration worth(int count) {
            if (!speed.isMeasured()) {
                return UNMEASURED;
            }
            double millis = speed.millisPerToken() * count;
            var computing = Duration.ofNanos((long) (millis * 1e6));
            return computing.compareTo(LEAST) > 0 ? computing : LEAST;
        }

        /** Bytes that a block has. */
        public int bytes(int block) {
            return host.options().blockBytes(tokens(block, block + 1));
        }

        /**
         * Puts a block of them into the tier. Its rows are written in place; nobody sees them
         * before they are whole.
         *
         * @param block its number in {@link #keys}
         * @param filling is not asked if the tier has the block already, or no room for it
         * @return whether the tier has it now
         * @throws IOException what the filling throws; the tier has nothing of the block then
         */
        public boolean take(int block, long recomputeMicros, Filling filling) throws IOException {
            var key = keys.get(block);
            int from = block * blocks.blockTokens();
            int to = from + tokens(block, block + 1);
            var parent = Blocks.parent(keys, root, block);
            var reserved = host.reserve(key, parent, tokens, from, to, recomputeMicros, owner);
            if (reserved.isEmpty()) {
                return host.match(List.of(key)) == 1;
            }
            try (BlockReservation reservation = reserved.get()) {
                filling.fill(reservation.rows());
                reservation.commit();
            }
            blocks.published(key, parent, tokens, from, to);
            return true;
        }
    }
}
