package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockReservation;
import dev.stator.cache.HostTier;
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
     * What of a prompt the tier lacks.
     *
     * @param end no more than so many leading blocks are wanted
     */
    public Wanted wanted(GenerationRequest asked, int end) {
        int blockTokens = blocks.blockTokens();
        int whole = asked.splice().isPresent() ? 0 : (asked.prompt().length - 1) / blockTokens;
        int count = Math.clamp(end, 0, whole);
        var root = BlockKey.root(fingerprint, asked.salt());
        int[] tokens = Arrays.copyOf(asked.prompt(), count * blockTokens);
        return new Wanted(root, BlockKey.chain(root, tokens, blockTokens), tokens);
    }

    /** Leading blocks of one prompt, of which some are to come from a peer, in order. */
    public final class Wanted {
        private final BlockKey root;
        private final List<BlockKey> keys;
        private final int[] tokens;

        private Wanted(BlockKey root, List<BlockKey> keys, int[] tokens) {
            this.root = root;
            this.keys = keys;
            this.tokens = tokens;
        }

        /** Keys of those that are not there now. */
        public List<BlockKey> missing() {
            return keys.subList(host.match(keys), keys.size());
        }

        /** How long it may take to fetch so many of them: what computing them would take. */
        public Duration worth(int count) {
            if (!speed.isMeasured()) {
                return UNMEASURED;
            }
            double millis = speed.millisPerToken() * count * blocks.blockTokens();
            var computing = Duration.ofNanos((long) (millis * 1e6));
            return computing.compareTo(LEAST) > 0 ? computing : LEAST;
        }

        /** Bytes that a block has. */
        public int bytes() {
            return host.options().blockBytes(blocks.blockTokens());
        }

        /**
         * Puts a block of them into the tier.
         *
         * @param rows as many {@link #bytes()}; copied
         * @return whether the tier has it now
         */
        public boolean take(BlockKey key, MemorySegment rows, long recomputeMicros) {
            int block = keys.indexOf(key);
            int from = block * blocks.blockTokens();
            int to = from + blocks.blockTokens();
            var parent = Blocks.parent(keys, root, block);
            var reserved = host.reserve(key, parent, tokens, from, to, recomputeMicros);
            if (reserved.isEmpty()) {
                return host.match(List.of(key)) == 1;
            }
            try (BlockReservation reservation = reserved.get()) {
                MemorySegment.copy(rows, 0, reservation.rows(), 0, bytes());
                reservation.commit();
            }
            blocks.published(key, parent, tokens, from, to);
            return true;
        }
    }
}
