package dev.stator.bench;

import dev.stator.cache.BlockKey;
import dev.stator.cache.HostTier;
import dev.stator.cache.HostTierOptions;
import dev.stator.cache.Inventory;
import dev.stator.engine.ModelInfo;
import dev.stator.engine.Tokenizer;
import dev.stator.routing.Explained;
import dev.stator.routing.Step;
import dev.stator.routing.WorkerLoad;
import dev.stator.routing.WorkerRole;
import dev.stator.routing.WorkerSpec;
import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.BlockExchange;
import dev.stator.serving.FabricStats;
import dev.stator.serving.FinishReason;
import dev.stator.serving.FromPeers;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.Holding;
import dev.stator.serving.NodeObserver;
import dev.stator.serving.ObservedFabric;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;

/**
 * A node that computes nothing: every answer comes at once. With a host tier, blocks of a prompt
 * that nobody brought are written there as if they had been computed, in the time that a fast
 * engine takes, so that routers have a reason to fetch; they hold noise.
 */
final class SyntheticNode implements ObservedFabric {
    static final int BLOCK_TOKENS = 32;
    private static final int RUNNING = 4096;
    private static final int STEP_TOKENS = 512;
    private static final long CELLS = 1L << 40;
    private static final double MILLIS_PER_TOKEN = 1;

    private final InstantFabric instant = new InstantFabric();
    private final Feed feed;
    private final Optional<HostTier> tier;
    private final Optional<BlockExchange> exchange;
    private final MemorySegment noise;

    private SyntheticNode(Feed feed, Optional<HostTier> tier, int blockBytes) {
        this.feed = feed;
        this.tier = tier;
        this.exchange = tier.map(its -> BlockExchange.of(its, instant.model().fingerprint()));
        byte[] bytes = new byte[blockBytes];
        new Random(blockBytes).nextBytes(bytes);
        this.noise =
                MemorySegment.ofBuffer(ByteBuffer.allocateDirect(blockBytes).put(bytes).flip());
    }

    /** One that only says that it has these blocks. */
    static SyntheticNode announcing(long[] keys) {
        var feed = new Feed();
        feed.change(BlockEvents.Change.STORED, keys);
        return new SyntheticNode(feed, Optional.empty(), 1);
    }

    /** One with a host tier, in memory, for so many blocks. */
    static SyntheticNode withTier(int blocks, int blockBytes) {
        var feed = new Feed();
        var options =
                HostTierOptions.of(
                        Bench.memoryFolder(), (long) blocks * blockBytes, blockBytes, BLOCK_TOKENS);
        return new SyntheticNode(
                feed, Optional.of(HostTier.open(options.withInventory(feed))), blockBytes);
    }

    /** What the node holds, for those who follow it. */
    private static final class Feed implements Inventory {
        private final Place place = new Place(Tier.HOST, "local");
        private final List<NodeObserver> observers = new CopyOnWriteArrayList<>();
        private final Set<Long> held = new HashSet<>();
        private long sequence;

        synchronized void change(BlockEvents.Change change, long[] keys) {
            for (long key : keys) {
                boolean _ = change == BlockEvents.Change.STORED ? held.add(key) : held.remove(key);
            }
            var events = new BlockEvents(place, ++sequence, change, keys);
            observers.forEach(observer -> observer.changed(events));
        }

        synchronized Holding holding() {
            return new Holding(place, sequence, held.stream().mapToLong(Long::longValue).toArray());
        }

        @Override
        public void stored(BlockKey key) {
            change(BlockEvents.Change.STORED, new long[] {key.high()});
        }

        @Override
        public void removed(BlockKey key) {
            change(BlockEvents.Change.REMOVED, new long[] {key.high()});
        }

        @Override
        public synchronized void cleared() {
            held.clear();
            change(BlockEvents.Change.CLEARED, new long[0]);
        }
    }

    @Override
    public Admission submit(GenerationRequest asked, GenerationListener listener, FromPeers peers) {
        Thread.ofVirtual()
                .start(
                        () -> {
                            try {
                                peers.awaitEnd();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                            if (peers.tokens() == 0) {
                                tier.ifPresent(its -> store(its, asked));
                            }
                            answer(asked, listener, peers.tokens(), peers.nanos());
                        });
        Admission.Admitted admitted = () -> {};
        return admitted;
    }

    private void store(HostTier to, GenerationRequest asked) {
        int[] tokens = asked.prompt();
        var parent = BlockKey.root(model().fingerprint(), asked.salt());
        for (int from = 0; from + BLOCK_TOKENS < tokens.length; from += BLOCK_TOKENS) {
            int end = from + BLOCK_TOKENS;
            var key = parent.child(tokens, from, end);
            var slot = to.reserve(key, parent, tokens, from, end, 1);
            if (slot.isPresent()) {
                try (var reservation = slot.get()) {
                    MemorySegment.copy(noise, 0, reservation.rows(), 0, noise.byteSize());
                    reservation.commit();
                }
            }
            parent = key;
            if (end % STEP_TOKENS == 0) {
                step(end);
            }
        }
    }

    private void step(int end) {
        double millis = STEP_TOKENS * MILLIS_PER_TOKEN;
        LockSupport.parkNanos((long) (millis * 1e6));
        var step = new Step(STEP_TOKENS, Step.attended(end - STEP_TOKENS, STEP_TOKENS), 0, 0);
        feed.observers.forEach(observer -> observer.stepped(step, millis));
    }

    private static void answer(
            GenerationRequest asked, GenerationListener listener, int peerTokens, long peerNanos) {
        for (int i = 0; i < asked.maxTokens(); i++) {
            listener.onToken(InstantFabric.TOKEN);
        }
        listener.onFinish(
                FinishReason.LENGTH,
                "",
                new Account(
                        "aggregated",
                        "instant",
                        "instant",
                        Map.of("peer", peerTokens, "computed", asked.prompt().length - peerTokens),
                        new int[0],
                        Map.of("peer", peerNanos / 1e6),
                        Optional.empty()));
    }

    @Override
    public Admission submit(GenerationRequest request, GenerationListener listener) {
        return submit(request, listener, FromPeers.nothing());
    }

    @Override
    public Runnable observe(NodeObserver observer) {
        feed.observers.add(observer);
        return () -> feed.observers.remove(observer);
    }

    @Override
    public List<Holding> holdings() {
        return List.of(feed.holding());
    }

    @Override
    public WorkerLoad load(long seen) {
        return new WorkerLoad(0, 0, 0, 0, 0, CELLS, seen);
    }

    @Override
    public WorkerSpec spec(String name) {
        return new WorkerSpec(
                name,
                name,
                model().fingerprint(),
                WorkerRole.DECODE,
                RUNNING,
                CELLS,
                STEP_TOKENS,
                STEP_TOKENS);
    }

    @Override
    public int blockTokens() {
        return BLOCK_TOKENS;
    }

    @Override
    public Optional<BlockExchange> exchange() {
        return exchange;
    }

    @Override
    public ModelInfo model() {
        return instant.model();
    }

    @Override
    public Tokenizer tokenizer() {
        return instant.tokenizer();
    }

    @Override
    public int contextTokens() {
        return instant.contextTokens();
    }

    @Override
    public List<float[]> embed(List<int[]> inputs) {
        return instant.embed(inputs);
    }

    @Override
    public FabricStats stats() {
        return instant.stats();
    }

    @Override
    public List<Explained> decisions(int count) {
        return List.of();
    }

    @Override
    public Optional<Explained> decision(long request) {
        return Optional.empty();
    }

    @Override
    public void drain() {}

    @Override
    public void close() {
        tier.ifPresent(HostTier::close);
    }
}
