package dev.stator.cluster;

import dev.stator.cache.BlockKey;
import dev.stator.cluster.wire.LendCall;
import dev.stator.cluster.wire.NodeGrpc;
import dev.stator.cluster.wire.Source;
import dev.stator.cluster.wire.Ticket;
import dev.stator.serving.BlockExchange;
import dev.stator.serving.GenerationRequest;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings blocks from other nodes' host tiers to the own one, before the request that wants them is
 * queued. What does not come in the time that computing it would take, or is not what it should be,
 * is computed. Thread-safe.
 */
final class Peers implements AutoCloseable {
    static final Duration MOST = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(Peers.class);
    private static final int MOST_MESSAGE_BYTES = 1 << 20;

    /** Sooner than the lender does. */
    private static final Duration KEPT = LendingPort.IDLE.dividedBy(2);

    private static final int MOST_KEPT = 8;

    /** What came for one request. */
    record Brought(int tokens, long nanos) {
        static final Brought NOTHING = new Brought(0, 0);
    }

    /** Hears how fast a peer was. */
    interface Listener {
        void moved(String peer, long tokens, double millis);
    }

    /** A peer: calls to it, and connections to it that wait for the next blocks. */
    private record Way(ManagedChannel calls, Deque<Borrowing> idle) {}

    private final BlockExchange exchange;
    private final Optional<ClusterKey> key;
    private final Listener listener;
    private final Map<String, Way> ways = new ConcurrentHashMap<>();

    /** Blocks that are on their way: others who want them wait instead of asking again. */
    private final Map<BlockKey, CountDownLatch> coming = new ConcurrentHashMap<>();

    Peers(BlockExchange exchange, Optional<ClusterKey> key, Listener listener) {
        this.exchange = exchange;
        this.key = key;
        this.listener = listener;
    }

    /** Blocks; for a thread of its own. */
    Brought bring(GenerationRequest request, List<Source> sources) throws InterruptedException {
        long start = System.nanoTime();
        int tokens = 0;
        for (var source : sources) {
            tokens += bring(exchange.wanted(request, source.getToBlock()), source);
        }
        return tokens == 0 ? Brought.NOTHING : new Brought(tokens, System.nanoTime() - start);
    }

    /**
     * Several requests that want the same block bring it once.
     *
     * @return how many tokens came
     */
    private int bring(BlockExchange.Wanted wanted, Source source) throws InterruptedException {
        int came = 0;
        int from = wanted.had();
        var worth = shorter(wanted.worth(wanted.tokens(from, wanted.keys().size())), MOST);
        long end = System.nanoTime() + worth.toNanos();
        while (from < wanted.keys().size() && end - System.nanoTime() > 0) {
            var mine = new CountDownLatch(1);
            int to = claim(wanted.keys(), from, mine);
            if (to == from) {
                await(wanted.keys().get(from), end);
            } else {
                int fetched;
                try {
                    fetched = fetch(wanted, from, to, source, end);
                } finally {
                    wanted.keys().subList(from, to).forEach(each -> coming.remove(each, mine));
                    mine.countDown();
                }
                came += wanted.tokens(from, from + fetched);
                if (fetched < to - from) {
                    return came;
                }
            }
            from = wanted.had();
        }
        return came;
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    /**
     * @return up to where nobody else brings them
     */
    private int claim(List<BlockKey> keys, int from, CountDownLatch mine) {
        int to = from;
        while (to < keys.size()
                && Optional.ofNullable(coming.putIfAbsent(keys.get(to), mine)).isEmpty()) {
            to++;
        }
        return to;
    }

    private void await(BlockKey other, long end) throws InterruptedException {
        var others = Optional.ofNullable(coming.get(other));
        if (others.isPresent()) {
            boolean _ = others.get().await(end - System.nanoTime(), TimeUnit.NANOSECONDS);
        }
    }

    /**
     * @return how many came
     */
    private int fetch(BlockExchange.Wanted wanted, int from, int to, Source source, long end) {
        long start = System.nanoTime();
        var fetch = new Fetch(wanted, from, to);
        try {
            fetch.over(way(source), source, end);
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
        // What brought nothing took as long as it took: the next plan should know.
        listener.moved(
                source.getNode(),
                wanted.tokens(from, Math.max(fetch.next, from + 1)),
                (System.nanoTime() - start) / 1e6);
        return fetch.next - from;
    }

    /** A run of blocks from one peer. For one thread. */
    private final class Fetch implements Borrowing.Taker {
        private final BlockExchange.Wanted wanted;
        private final int from;
        private final int to;
        private int next;

        Fetch(BlockExchange.Wanted wanted, int from, int to) {
            this.wanted = wanted;
            this.from = from;
            this.to = to;
            this.next = from;
        }

        void over(Way way, Source source, long end) throws IOException {
            for (var kept = kept(way); kept.isPresent(); kept = kept(way)) {
                try {
                    borrow(way, kept.get(), end);
                    return;
                } catch (IOException e) {
                    // The peer may have been started anew since; what is damaged is not tried
                    // again.
                    if (next > from || e instanceof DamagedException) {
                        throw e;
                    }
                }
            }
            borrow(way, opened(way, source, end), end);
        }

        private Borrowing opened(Way way, Source source, long end) throws IOException {
            var channel = SocketChannel.open();
            try (var _ = Deadline.of(channel, left(end))) {
                return Borrowing.open(channel, source.getHost(), ticket(way, end));
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        }

        private void borrow(Way way, Borrowing over, long end) throws IOException {
            boolean whole = false;
            try (var _ = Deadline.of(over, left(end))) {
                whole = over.borrow(wanted.keys().subList(from, to), this);
            } finally {
                if (whole && way.idle.size() < MOST_KEPT) {
                    way.idle.push(over);
                } else {
                    over.close();
                }
            }
        }

        @Override
        public boolean take(BlockHeader header, BlockPipe rows) throws IOException {
            if (header.tokens() != wanted.tokens(next, next + 1)
                    || header.bytes() != wanted.bytes(next)
                    || header.recomputeMicros() < 0) {
                throw new DamagedException("a block of another size");
            }
            var filled = new Filled(rows);
            boolean has = wanted.take(next, header.recomputeMicros(), filled);
            if (has && !filled.done) {
                // Somebody has computed it meanwhile.
                rows.read(MemorySegment.ofArray(new byte[header.bytes()]));
            }
            next += has ? 1 : 0;
            return has;
        }
    }

    /** Rows as they come. */
    private static final class Filled implements BlockExchange.Filling {
        private final BlockPipe pipe;
        private boolean done;

        Filled(BlockPipe pipe) {
            this.pipe = pipe;
        }

        @Override
        public void fill(MemorySegment rows) throws IOException {
            pipe.read(rows);
            done = true;
        }
    }

    private static Duration left(long end) {
        return Duration.ofNanos(Math.max(1, end - System.nanoTime()));
    }

    private static Ticket ticket(Way way, long end) {
        return NodeGrpc.newBlockingStub(way.calls)
                .withDeadlineAfter(left(end).toNanos(), TimeUnit.NANOSECONDS)
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

    private Way way(Source source) {
        return ways.computeIfAbsent(
                source.getHost() + ":" + source.getPort(),
                _ ->
                        new Way(
                                Calls.channel(
                                        source.getHost(),
                                        source.getPort(),
                                        key,
                                        MOST_MESSAGE_BYTES),
                                new ConcurrentLinkedDeque<>()));
    }

    @Override
    public void close() {
        for (var way : ways.values()) {
            way.calls.shutdownNow();
            way.idle.forEach(
                    one -> {
                        try {
                            one.close();
                        } catch (IOException e) {
                            LOG.debug("a connection was not closed well", e);
                        }
                    });
        }
    }
}
