package dev.stator.cluster;

import dev.stator.cluster.wire.LendCall;
import dev.stator.cluster.wire.NodeGrpc;
import dev.stator.cluster.wire.Source;
import dev.stator.cluster.wire.Ticket;
import dev.stator.serving.BlockExchange;
import dev.stator.serving.FromPeers;
import dev.stator.serving.GenerationRequest;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings blocks from other nodes' host tiers to the own one. They are claimed when a request wants
 * them, so that nobody computes them and whoever needs one waits for it, and given up when they
 * fail to come, are not what they should be, or are slower than computing them. Thread-safe.
 */
final class Peers implements AutoCloseable {
    static final Duration MOST = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(Peers.class);
    private static final int MOST_MESSAGE_BYTES = 1 << 20;

    /** Sooner than the lender does. */
    private static final Duration KEPT = LendingPort.IDLE.dividedBy(2);

    private static final int MOST_KEPT = 8;

    /**
     * Until the first block comes: this part of what all may take, but no less than that. So far
     * the rest may then be behind computing.
     */
    private static final int START_PART = 2;

    private static final Duration LEAST_START = Duration.ofMillis(50);

    /** A lender that waits for blocks says so more often; one that does not is gone. */
    private static final Duration SILENCE = Duration.ofSeconds(4);

    /** Hears how fast a peer was. */
    interface Listener {
        void moved(String peer, long tokens, double millis);
    }

    /** A peer: calls to it, and connections to it that wait for the next blocks. */
    private record Way(ManagedChannel calls, Deque<Borrowing> idle) {}

    /** Blocks of one request that one peer has. */
    private record Part(BlockExchange.Coming coming, Source source) {}

    private final BlockExchange exchange;
    private final Optional<ClusterKey> key;
    private final Listener listener;
    private final Map<String, Way> ways = new ConcurrentHashMap<>();

    /** Connections over which blocks are coming now. */
    private final Set<Closeable> busy = ConcurrentHashMap.newKeySet();

    private volatile boolean closed;

    Peers(BlockExchange exchange, Optional<ClusterKey> key, Listener listener) {
        this.exchange = exchange;
        this.key = key;
        this.listener = listener;
    }

    /**
     * Begins to bring what the node lacks of a request's prompt. It is claimed when this returns,
     * which does not wait for it.
     */
    FromPeers begin(GenerationRequest request, List<Source> sources) {
        var parts = new ArrayList<Part>();
        int from = 0;
        for (var source : sources) {
            var wanted = exchange.wanted(request, source.getToBlock());
            var patience = Duration.ofMillis(source.getPatienceMillis());
            var coming = patience.isPositive() ? wanted.claim(from, patience) : wanted.claim(from);
            from = coming.end();
            if (!coming.isEmpty()) {
                parts.add(new Part(coming, source));
            }
        }
        if (parts.isEmpty()) {
            return FromPeers.nothing();
        }
        var brought = new FromPeers();
        // It waits in the kernel for each piece; a virtual one would go through the poller for it.
        Thread.ofPlatform().daemon().name("peer-blocks").start(() -> bring(parts, brought));
        return brought;
    }

    private void bring(List<Part> parts, FromPeers brought) {
        try {
            for (var part : parts) {
                try (var coming = part.coming) {
                    if (coming.awaitParent() && !closed) {
                        fetch(coming, part.source, brought);
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.error("Blocks of peers could not be used; they are computed", e);
        } finally {
            parts.forEach(part -> part.coming.close());
            brought.end();
        }
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    private void fetch(BlockExchange.Coming coming, Source source, FromPeers brought) {
        long start = System.nanoTime();
        boolean known = ways.containsKey(address(source));
        var fetch = new Fetch(coming, source, brought, start, known);
        try {
            fetch.over(way(source));
        } catch (DamagedException e) {
            LOG.warn(
                    "the node {} lends what is not what it should be ({}); it is computed",
                    source.getNode(),
                    e.getMessage());
        } catch (StatusRuntimeException e) {
            LOG.debug("{} lends nothing: {}", source.getNode(), NodeLink.words(e.getStatus()));
        } catch (IOException e) {
            LOG.debug("{} lends no more: {}", source.getNode(), e.toString());
        }
        if (!fetch.waits()) {
            // What brought nothing took as long as it took: the next plan should know.
            listener.moved(
                    source.getNode(),
                    coming.tokens(coming.first(), Math.max(fetch.next, coming.first() + 1)),
                    (System.nanoTime() - start) / 1e6);
        }
    }

    /** A run of blocks from one peer. For one thread. */
    private final class Fetch implements Borrowing.Taker {
        private final BlockExchange.Coming coming;
        private final Source source;
        private final FromPeers brought;
        private final long startNanos;
        private final Duration most;
        private final Duration toFirst;
        private int next;
        private Optional<Deadline> deadline = Optional.empty();

        /**
         * @param known whether there was a connection before: making one takes longer
         */
        Fetch(
                BlockExchange.Coming coming,
                Source source,
                FromPeers brought,
                long startNanos,
                boolean known) {
            this.coming = coming;
            this.source = source;
            this.brought = brought;
            this.startNanos = startNanos;
            this.most = waits() ? coming.most() : shorter(coming.most(), MOST);
            var part = known ? most.dividedBy(START_PART) : most;
            this.toFirst = shorter(part.compareTo(LEAST_START) > 0 ? part : LEAST_START, most);
            this.next = coming.first();
        }

        /** Whether the peer does not have them yet. */
        boolean waits() {
            return source.getPatienceMillis() > 0;
        }

        /**
         * By when something is to be heard. Of blocks that are there the next is to be: who
         * computed them would be as far by then.
         */
        private long nextNanos() {
            if (waits()) {
                long end = startNanos + most.toNanos();
                return Math.min(end, System.nanoTime() + SILENCE.toNanos());
            }
            double done =
                    (double) coming.tokens(coming.first(), Math.min(next + 1, coming.end()))
                            / coming.tokens(coming.first(), coming.end());
            return startNanos + toFirst.toNanos() + (long) (done * most.toNanos());
        }

        private Duration left() {
            return Duration.ofNanos(Math.max(1, nextNanos() - System.nanoTime()));
        }

        void over(Way way) throws IOException {
            for (var kept = kept(way); kept.isPresent(); kept = kept(way)) {
                try {
                    borrow(way, kept.get());
                    return;
                } catch (IOException e) {
                    // The peer may have been started anew since; what is damaged is not tried
                    // again.
                    if (next > coming.first() || e instanceof DamagedException) {
                        throw e;
                    }
                }
            }
            borrow(way, opened(way));
        }

        private Borrowing opened(Way way) throws IOException {
            var channel = SocketChannel.open();
            try (var _ = Deadline.of(channel, left())) {
                return Borrowing.open(channel, source.getHost(), ticket(way, left()));
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        }

        private void borrow(Way way, Borrowing over) throws IOException {
            boolean whole = false;
            busy.add(over);
            try (var clock = Deadline.of(over, left())) {
                deadline = Optional.of(clock);
                if (!closed) {
                    whole = over.borrow(coming.keys(), waits() ? most : Duration.ZERO, this);
                }
            } finally {
                busy.remove(over);
                if (whole && way.idle.size() < MOST_KEPT) {
                    way.idle.push(over);
                } else {
                    over.close();
                }
            }
        }

        @Override
        public boolean take(BlockHeader header, BlockPipe rows) throws IOException {
            int tokens = coming.tokens(next, next + 1);
            if (header.tokens() != tokens
                    || header.bytes() != coming.bytes(next)
                    || header.recomputeMicros() < 0) {
                throw new DamagedException("a block of another size");
            }
            var filled = new Filled(rows, () -> brought.came(tokens));
            boolean has = coming.take(next, header.recomputeMicros(), filled);
            if (has && !filled.done) {
                // Somebody has computed it meanwhile.
                rows.read(MemorySegment.ofArray(new byte[header.bytes()]));
            }
            next += has ? 1 : 0;
            deadline.ifPresent(its -> its.until(nextNanos()));
            return has;
        }

        @Override
        public void waiting() {
            deadline.ifPresent(its -> its.until(nextNanos()));
        }
    }

    /** Rows as they come. */
    private static final class Filled implements BlockExchange.Filling {
        private final BlockPipe pipe;
        private final Runnable onCame;
        private boolean done;

        Filled(BlockPipe pipe, Runnable onCame) {
            this.pipe = pipe;
            this.onCame = onCame;
        }

        @Override
        public void fill(MemorySegment rows) throws IOException {
            pipe.read(rows);
            done = true;
            // Before it can be seen: a request's account may be closed soon after.
            onCame.run();
        }
    }

    private static Ticket ticket(Way way, Duration within) {
        return NodeGrpc.newBlockingStub(way.calls)
                .withDeadlineAfter(within.toNanos(), TimeUnit.NANOSECONDS)
                .lend(LendCall.getDefaultInstance());
    }

    private static Optional<Borrowing> kept(Way way) throws IOException {
        for (var one = Optional.ofNullable(way.idle.poll());
                one.isPresent();
                one = Optional.ofNullable(way.idle.poll())) {
            if (System.nanoTime() - one.get().usedNanos() < KEPT.toNanos()) {
                return one;
            }
            one.get().close();
        }
        return Optional.empty();
    }

    private static String address(Source source) {
        return source.getHost() + ":" + source.getPort();
    }

    private Way way(Source source) {
        return ways.computeIfAbsent(
                address(source),
                _ ->
                        new Way(
                                Calls.channel(
                                        source.getHost(),
                                        source.getPort(),
                                        key,
                                        MOST_MESSAGE_BYTES),
                                new ConcurrentLinkedDeque<>()));
    }

    /** What is on its way is given up. */
    @Override
    public void close() {
        closed = true;
        for (var way : ways.values()) {
            way.calls.shutdownNow();
            way.idle.forEach(Peers::close);
        }
        busy.forEach(Peers::close);
    }

    private static void close(Closeable connection) {
        try {
            connection.close();
        } catch (IOException e) {
            LOG.debug("a connection was not closed well", e);
        }
    }
}
