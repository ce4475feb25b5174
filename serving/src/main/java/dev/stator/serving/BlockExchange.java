package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockReservation;
import dev.stator.cache.ClaimState;
import dev.stator.cache.Claimant;
import dev.stator.cache.HostTier;
import dev.stator.cache.Tenant;
import dev.stator.cache.Waiting;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Gives blocks of a node's host tier to peers and takes theirs into it. How they travel is nobody's
 * concern here. Thread-safe.
 */
public final class BlockExchange {
    /** As long as nothing was computed, nobody knows what computing costs. */
    private static final Duration UNMEASURED = Duration.ofSeconds(2);

    private static final Duration LEAST = Duration.ofMillis(50);

    /** Whoever computes the block before those that are to come may take so long. */
    private static final long PARENT_SECONDS = 60;

    /** How often a block is looked for that nobody has begun with. */
    private static final Duration UNCLAIMED = Duration.ofMillis(5);

    /** Hears that blocks will soon be in the host tier. */
    @FunctionalInterface
    interface Expecting {
        /**
         * @param keys of a prompt's whole blocks, of which {@code [from, to)} are on their way
         */
        void expect(long[] keys, int from, int to, Duration within);
    }

    private final HostTier host;
    private final Blocks blocks;
    private final PrefillSpeed speed;
    private final String fingerprint;
    private final Expecting expecting;

    /** Blocks of prompts that are to be computed here for peers, and by how many. */
    private final Map<BlockKey, Integer> promised = new ConcurrentHashMap<>();

    BlockExchange(
            HostTier host,
            Blocks blocks,
            PrefillSpeed speed,
            String fingerprint,
            Expecting expecting) {
        this.host = host;
        this.blocks = blocks;
        this.speed = speed;
        this.fingerprint = fingerprint;
        this.expecting = expecting;
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
        return new BlockExchange(host, blocks, new PrefillSpeed(), fingerprint, (_, _, _, _) -> {});
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
     * A prompt is computed here so that a peer can have its blocks: who asks for them may wait.
     *
     * @return to be run, once, when no more of them will come into being
     */
    public Runnable promise(GenerationRequest asked) {
        var keys = wanted(asked, Integer.MAX_VALUE).keys();
        keys.forEach(key -> promised.merge(key, 1, Integer::sum));
        return () ->
                keys.forEach(
                        key ->
                                promised.computeIfPresent(
                                        key, (_, count) -> count == 1 ? null : count - 1));
    }

    /** Whether a block is being computed or brought here, or will be. */
    public boolean isComing(BlockKey key) {
        return promised.containsKey(key) || host.isClaimed(key);
    }

    /**
     * Waits for a block that is {@linkplain #isComing coming}, until it is there or something else
     * has become of it, but no longer than that.
     */
    public void awaitChange(BlockKey key, Duration most) throws InterruptedException {
        if (!host.isClaimed(key)) {
            // Its request waits for its turn.
            Thread.sleep(most.compareTo(UNCLAIMED) < 0 ? most : UNCLAIMED);
            return;
        }
        var told = new CountDownLatch(1);
        try (Waiting _ = host.await(key, told::countDown)) {
            boolean _ = told.await(most.toNanos(), TimeUnit.NANOSECONDS);
        }
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
         * Claims the first run of blocks from one on that the tier lacks and nobody computes or
         * brings; it may be empty. Until it is closed, whoever wants them waits for them.
         */
        public Coming claim(int from) {
            return claim(from, Optional.empty());
        }

        /**
         * {@link #claim(int)} of blocks that the peer does not have yet.
         *
         * @param within so long they may take
         */
        public Coming claim(int from, Duration within) {
            return claim(from, Optional.of(within));
        }

        private Coming claim(int from, Optional<Duration> within) {
            var claimant = new Claimant("blocks of a peer");
            int first = Math.max(from, had());
            while (first < keys.size() && !isMine(first, claimant)) {
                first++;
            }
            int end = first;
            while (end < keys.size() && (end == first || isMine(end, claimant))) {
                end++;
            }
            var most = within.orElse(worth(tokens(first, end)));
            int whole = tokens.length / blocks.blockTokens();
            if (first < Math.min(end, whole)) {
                expecting.expect(
                        keys.stream().limit(whole).mapToLong(BlockKey::high).toArray(),
                        first,
                        Math.min(end, whole),
                        most);
            }
            return new Coming(this, first, end, claimant, most);
        }

        private boolean isMine(int block, Claimant claimant) {
            return host.claim(keys.get(block), claimant) == ClaimState.MINE;
        }
    }

    /**
     * A run of blocks that are on their way from a peer, and claimed like blocks that are being
     * computed: whoever needs one waits for it, and computes it if this is closed before it came.
     */
    public final class Coming implements AutoCloseable {
        private final Wanted wanted;
        private final int first;
        private final int end;
        private final Claimant claimant;
        private final Duration most;

        private Coming(Wanted wanted, int first, int end, Claimant claimant, Duration most) {
            this.wanted = wanted;
            this.first = first;
            this.end = end;
            this.claimant = claimant;
            this.most = most;
        }

        /** The first block's number in {@link Wanted#keys}. */
        public int first() {
            return first;
        }

        public int end() {
            return end;
        }

        public boolean isEmpty() {
            return first == end;
        }

        public List<BlockKey> keys() {
            return wanted.keys.subList(first, end);
        }

        /** How long it may take until all are there. */
        public Duration most() {
            return most;
        }

        /** Tokens of these blocks, by their number in {@link Wanted#keys}. */
        public int tokens(int fromBlock, int toBlock) {
            return wanted.tokens(fromBlock, toBlock);
        }

        /** Bytes that a block has. */
        public int bytes(int block) {
            return wanted.bytes(block);
        }

        /**
         * Waits for the block before the first, which somebody else computes or brings. Nobody can
         * use the others before it is there, so that this delays nobody.
         *
         * @return false if it does not come
         */
        public boolean awaitParent() throws InterruptedException {
            if (first == 0) {
                return true;
            }
            var parent = wanted.keys.get(first - 1);
            var told = new CountDownLatch(1);
            try (Waiting _ = host.await(parent, told::countDown)) {
                return told.await(PARENT_SECONDS, TimeUnit.SECONDS)
                        && host.match(List.of(parent)) == 1;
            }
        }

        /**
         * Puts a block of them into the tier. Its rows are written in place; nobody sees them
         * before they are whole.
         *
         * @param block its number in {@link Wanted#keys}
         * @param filling is not asked if the tier has the block already, or no room for it
         * @return whether the tier has it now
         * @throws IOException what the filling throws; the tier has nothing of the block then
         */
        public boolean take(int block, long recomputeMicros, Filling filling) throws IOException {
            var keys = wanted.keys;
            var key = keys.get(block);
            int from = block * blocks.blockTokens();
            int to = from + tokens(block, block + 1);
            var parent = Blocks.parent(keys, wanted.root, block);
            var reserved =
                    host.reserve(
                            key, parent, wanted.tokens, from, to, recomputeMicros, wanted.owner);
            if (reserved.isEmpty()) {
                return host.match(List.of(key)) == 1;
            }
            try (BlockReservation reservation = reserved.get()) {
                filling.fill(reservation.rows());
                reservation.commit();
            }
            blocks.published(key, parent, wanted.tokens, from, to);
            return true;
        }

        /** Gives up what has not come; idempotent. */
        @Override
        public void close() {
            host.release(claimant);
        }
    }
}
