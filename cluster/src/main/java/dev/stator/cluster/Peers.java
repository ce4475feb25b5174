package dev.stator.cluster;

import dev.stator.cache.BlockKey;
import dev.stator.cluster.wire.Block;
import dev.stator.cluster.wire.BlocksCall;
import dev.stator.cluster.wire.NodeGrpc;
import dev.stator.cluster.wire.Source;
import dev.stator.serving.BlockExchange;
import dev.stator.serving.GenerationRequest;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
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
    private static final Logger LOG = LoggerFactory.getLogger(Peers.class);
    private static final Duration MOST = Duration.ofSeconds(10);
    private static final int MOST_MESSAGE_BYTES = 256 << 20;

    /** What came for one request. */
    record Brought(int tokens, long nanos) {
        static final Brought NOTHING = new Brought(0, 0);
    }

    /** Hears how fast a peer was. */
    interface Listener {
        void moved(String peer, long tokens, double millis);
    }

    private final BlockExchange exchange;
    private final Optional<ClusterKey> key;
    private final int blockTokens;
    private final Listener listener;
    private final Map<String, ManagedChannel> channels = new ConcurrentHashMap<>();

    /** By the first block that is on its way: others who want it wait instead of asking again. */
    private final Map<BlockKey, CountDownLatch> coming = new ConcurrentHashMap<>();

    Peers(BlockExchange exchange, Optional<ClusterKey> key, int blockTokens, Listener listener) {
        this.exchange = exchange;
        this.key = key;
        this.blockTokens = blockTokens;
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

    private int bring(BlockExchange.Wanted wanted, Source source) throws InterruptedException {
        var missing = wanted.missing();
        if (missing.isEmpty()) {
            return 0;
        }
        var worth = shorter(wanted.worth(missing.size()), MOST);
        var mine = new CountDownLatch(1);
        var others = Optional.ofNullable(coming.putIfAbsent(missing.getFirst(), mine));
        if (others.isPresent()) {
            boolean _ = others.get().await(worth.toNanos(), TimeUnit.NANOSECONDS);
            return 0;
        }
        try {
            return fetch(wanted, missing, source, worth);
        } finally {
            coming.remove(missing.getFirst(), mine);
            mine.countDown();
        }
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    private int fetch(
            BlockExchange.Wanted wanted, List<BlockKey> keys, Source source, Duration worth) {
        long start = System.nanoTime();
        int came = 0;
        try {
            var call = BlocksCall.newBuilder();
            keys.forEach(each -> call.addKeys(each.high()).addKeys(each.low()));
            Iterator<Block> blocks =
                    NodeGrpc.newBlockingStub(channel(source))
                            .withDeadlineAfter(worth.toNanos(), TimeUnit.NANOSECONDS)
                            .blocks(call.build());
            while (came < keys.size()
                    && blocks.hasNext()
                    && take(wanted, keys.get(came), blocks.next(), source)) {
                came++;
            }
        } catch (StatusRuntimeException e) {
            LOG.debug("{} lends no more: {}", source.getNode(), NodeLink.words(e.getStatus()));
        }
        int tokens = came * blockTokens;
        // What brought nothing took as long as it took: the next plan should know.
        listener.moved(
                source.getNode(), Math.max(tokens, blockTokens), (System.nanoTime() - start) / 1e6);
        return tokens;
    }

    private boolean take(BlockExchange.Wanted wanted, BlockKey its, Block block, Source source) {
        var rows = block.getRows();
        if (block.getTokens() != blockTokens
                || rows.size() != wanted.bytes()
                || Lending.checksum(rows.asReadOnlyByteBuffer()) != block.getChecksum()) {
            LOG.warn(
                    "the node {} sent a block that is not what it should be; it is computed",
                    source.getNode());
            return false;
        }
        return wanted.take(
                its,
                MemorySegment.ofBuffer(rows.asReadOnlyByteBuffer()),
                block.getRecomputeMicros());
    }

    private ManagedChannel channel(Source source) {
        return channels.computeIfAbsent(
                source.getHost() + ":" + source.getPort(),
                _ ->
                        Calls.channel(
                                source.getHost(), source.getPort(), key, MOST_MESSAGE_BYTES));
    }

    @Override
    public void close() {
        channels.values().forEach(ManagedChannel::shutdownNow);
    }
}
