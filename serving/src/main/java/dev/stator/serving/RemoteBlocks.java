package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockLease;
import dev.stator.cache.HostTier;
import dev.stator.cache.remote.RemoteBlock;
import dev.stator.cache.remote.RemotePromoter;
import dev.stator.cache.remote.RemoteTier;
import dev.stator.routing.Plan;
import dev.stator.routing.Router;
import dev.stator.routing.index.Place;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The remote tier beside the others: what workers publish is written behind, what other nodes have
 * put there is looked for when a request arrives, and what a plan wants from it is on its way to
 * the host tier before a worker looks for it.
 */
final class RemoteBlocks implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RemoteBlocks.class);

    /** Looking takes at most this part of what computing the prompt is predicted to take. */
    private static final int LOOKING_PART = 10;

    /** Fetching is given so long however fast computing is. */
    private static final double LEAST_FETCH_MILLIS = 20;

    /** Of so many occasions not to fetch, one is used to measure whether that is still right. */
    private static final int MEASURED_PART = 8;

    private final HostTier host;
    private final RemoteTier remote;
    private final RemotePromoter promoter;
    private final Router router;
    private final Place place;
    private final PrefillSpeed speed;
    private final int blockTokens;
    private final long timeoutMillis;
    private final AtomicInteger occasions = new AtomicInteger();

    RemoteBlocks(
            HostTier host,
            RemoteTier remote,
            Router router,
            Place place,
            PrefillSpeed speed,
            int blockTokens,
            long timeoutMillis) {
        this.host = host;
        this.remote = remote;
        this.promoter = new RemotePromoter(host, remote);
        this.router = router;
        this.place = place;
        this.speed = speed;
        this.blockTokens = blockTokens;
        this.timeoutMillis = timeoutMillis;
    }

    /** Tells the router what fetching costs, as soon as that is known. */
    void watchSpeed(List<String> workers) {
        remote.watchSpeed(
                (blocks, nanos) ->
                        workers.forEach(
                                worker ->
                                        router.moved(
                                                worker,
                                                place,
                                                (long) blocks * blockTokens,
                                                nanos / 1e6)));
    }

    /** Writes a block of the host tier, which stays there meanwhile. */
    void writeBehind(BlockKey key, BlockKey parent, int[] tokens, int from, int to) {
        host.hold(key).ifPresent(lease -> offer(lease, key, parent, tokens, from, to));
    }

    private void offer(
            BlockLease lease, BlockKey key, BlockKey parent, int[] tokens, int from, int to) {
        remote.offer(
                new RemoteBlock(
                        key,
                        parent,
                        from,
                        to - from,
                        Math.toIntExact(lease.rows().byteSize()),
                        lease.recomputeMicros()),
                Arrays.copyOfRange(tokens, from, to),
                lease.rows(),
                lease::close);
    }

    /**
     * Looks for the blocks of a prompt, so that the router knows of them when it decides. Waits for
     * the answer only if the request would start at once, and no longer than is worth it.
     *
     * @param startsAtOnce false if others wait before it: then the answer comes meanwhile
     */
    void lookFor(Request request, boolean startsAtOnce) {
        var keys = request.promptKeys();
        if (!remote.isReachable() || remote.match(keys, 0) == keys.size()) {
            return;
        }
        double computing =
                Math.max(
                        router.estimate(request.route()).firstTokenMillis(),
                        speed.millisPerToken() * request.reusable());
        // As long as nothing was computed, nobody knows what computing costs.
        double budget =
                speed.isMeasured()
                        ? Math.min(timeoutMillis, computing / LOOKING_PART)
                        : timeoutMillis;
        boolean inTime = budget > remote.lookMillis();
        if (startsAtOnce && !inTime && occasions.incrementAndGet() % MEASURED_PART != 0) {
            return;
        }
        var looking = remote.lookFor(keys);
        if (startsAtOnce && inTime) {
            long start = System.nanoTime();
            try {
                looking.get((long) (budget * 1e6), TimeUnit.NANOSECONDS);
            } catch (TimeoutException | ExecutionException _) {
                // Goes on without it.
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
            request.lookNanos = System.nanoTime() - start;
        }
    }

    /** How many leading blocks are known to be there. */
    int match(List<BlockKey> keys) {
        return remote.match(keys, 0);
    }

    /**
     * @return whether the store has said that they are gone
     */
    boolean erase(Set<BlockKey> keys) {
        try {
            remote.erase(keys).get();
            return true;
        } catch (ExecutionException e) {
            LOG.debug("blocks cannot be removed from the store yet", e);
            return false;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Begins to fetch the blocks that the plan means to have without computing them. */
    void fetch(Request request, Plan plan) {
        var keys = request.promptKeys();
        writeAgain(request);
        int full = request.reusable() / blockTokens;
        // Before anything was computed the plan compares with a guess: then all that is there
        // comes.
        int wanted = speed.isMeasured() ? plan.supply().blocks() : full;
        // The router knows complete blocks only; the short last one comes with those before it.
        var prompt =
                new RemotePromoter.Prompt(
                        request.root(),
                        wanted >= full ? keys : keys.subList(0, wanted),
                        request.tokens(),
                        request.reusable(),
                        blockTokens,
                        request.owner());
        int inHost = host.match(keys);
        int missing = request.reusable() - inHost * blockTokens;
        double computing = speed.isMeasured() ? speed.millisPerToken() * missing : timeoutMillis;
        boolean fetches =
                promoter.promote(
                        prompt,
                        (long) (Math.max(LEAST_FETCH_MILLIS, computing) * 1e6),
                        new Fetch(request, plan.prefillWorker()));
        if (!fetches && wanted <= inHost && remote.match(keys, 0) > inHost) {
            measure(keys.get(inHost), plan.prefillWorker());
        }
    }

    /** A store that was slow is not asked any more, so nobody would see when it no longer is. */
    private void measure(BlockKey key, String worker) {
        if (occasions.incrementAndGet() % MEASURED_PART == 0) {
            remote.measure(key, nanos -> router.moved(worker, place, blockTokens, nanos / 1e6));
        }
    }

    /** What could not be written, or has outlived its time there, has another chance when used. */
    private void writeAgain(Request request) {
        var keys = request.promptKeys();
        if (!remote.isReachable()) {
            return;
        }
        int inHost = host.match(keys);
        for (int block = remote.coming(keys); block < inHost; block++) {
            int from = block * blockTokens;
            writeBehind(
                    keys.get(block),
                    Blocks.parent(keys, request.root(), block),
                    request.tokens(),
                    from,
                    Math.min(from + blockTokens, request.reusable()));
        }
    }

    /** Puts what came from the store down to the request, and its speed to the router. */
    private final class Fetch implements RemotePromoter.Listener {
        private final Request request;
        private final String worker;

        Fetch(Request request, String worker) {
            this.request = request;
            this.worker = worker;
        }

        @Override
        public void promoted(int tokens) {
            request.remoteTokens.addAndGet(tokens);
        }

        @Override
        public void ended(int tokens, long nanos) {
            request.remoteNanos = nanos;
            if (nanos > 0) {
                // What brought nothing took as long as it took: the next plan should know.
                router.moved(worker, place, Math.max(tokens, blockTokens), nanos / 1e6);
            }
        }
    }

    /** For statistics: gauges and counters by name. */
    Map<String, Double> stats() {
        var stats = remote.stats();
        var map = new LinkedHashMap<String, Double>();
        map.put("reachable", stats.reachable() ? 1.0 : 0.0);
        map.put("lossy", remote.isLossy() ? 1.0 : 0.0);
        map.put("blocks_known", (double) stats.known());
        map.put("queue_blocks", (double) stats.queued());
        map.put("queue_bytes", (double) stats.queuedBytes());
        map.put("hits", (double) stats.hits());
        map.put("misses", (double) stats.misses());
        map.put("read_seconds", stats.readNanos() / 1e9);
        map.put("bytes_read", (double) stats.bytesRead());
        map.put("bytes_received", (double) stats.bytesReceived());
        map.put("stored", (double) stats.stored());
        map.put("bytes_stored", (double) stats.bytesStored());
        map.put("bytes_sent", (double) stats.bytesSent());
        map.put("shed", (double) stats.shed());
        map.put("refused_orphan", (double) stats.refusedOrphan());
        map.put("checksum_failures", (double) stats.checksumFailures());
        map.put("foreign", (double) stats.foreign());
        map.put("collisions", (double) stats.collisions());
        map.put("read_errors", (double) stats.readErrors());
        map.put("write_errors", (double) stats.writeErrors());
        map.put("given_up", (double) stats.givenUp());
        map.put("probes", (double) stats.probes());
        map.put("probe_seconds", stats.probeNanos() / 1e9);
        map.put("breaker_openings", (double) stats.breakerOpenings());
        return Map.copyOf(map);
    }

    /** Ends fetching and writes what waits; the host tier must still be open. */
    @Override
    public void close() {
        promoter.close();
        remote.close();
    }
}
