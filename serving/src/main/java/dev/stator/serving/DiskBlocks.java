package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockLease;
import dev.stator.cache.HostTier;
import dev.stator.cache.disk.DiskBlock;
import dev.stator.cache.disk.DiskTier;
import dev.stator.cache.disk.Journal;
import dev.stator.cache.disk.Promoter;
import dev.stator.routing.Plan;
import dev.stator.routing.Router;
import dev.stator.routing.index.Place;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * The disk tier below the host tier: what workers publish is written behind, what a plan wants from
 * the disk is on its way to the host tier before a worker looks for it.
 */
final class DiskBlocks implements AutoCloseable {
    /** Of so many occasions not to read, one is used to measure whether that is still right. */
    private static final int MEASURED_PART = 8;

    private final HostTier host;
    private final DiskTier disk;
    private final Promoter promoter;
    private final Router router;
    private final Place place;
    private final int blockTokens;

    /** Blocks fetched for requests that waited. */
    private final LongAdder ahead = new LongAdder();

    private final AtomicInteger occasions = new AtomicInteger();

    DiskBlocks(HostTier host, DiskTier disk, Router router, Place place, int blockTokens) {
        this.host = host;
        this.disk = disk;
        this.promoter = new Promoter(host, disk);
        this.router = router;
        this.place = place;
        this.blockTokens = blockTokens;
    }

    /** Writes a block of the host tier, which stays there meanwhile. */
    void writeBehind(BlockKey key, BlockKey parent, int[] tokens, int from, int to) {
        host.hold(key).ifPresent(lease -> offer(lease, key, parent, tokens, from, to));
    }

    private void offer(
            BlockLease lease, BlockKey key, BlockKey parent, int[] tokens, int from, int to) {
        disk.offer(
                new DiskBlock(
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

    /** How many keys from {@code from} on can be read. */
    int match(List<BlockKey> keys, int from) {
        return disk.match(keys, from);
    }

    /**
     * @return whether something is left
     */
    boolean erase(Set<BlockKey> keys) {
        return disk.erase(keys);
    }

    Journal journal(String name) {
        return disk.journal(name);
    }

    /** Begins to fetch the blocks that the plan means to have without computing them. */
    void fetch(Request request, Plan plan) {
        var keys = request.promptKeys();
        writeAgain(request, disk.use(keys));
        int full = request.reusable() / blockTokens;
        int wanted = plan.supply().blocks();
        // The router knows complete blocks only; the short last one comes with those before it.
        var prompt = prompt(request, wanted >= full ? keys.size() : wanted);
        boolean fetches = promoter.promote(prompt, new Fetch(request, plan.prefillWorker()));
        if (!fetches) {
            measure(request, wanted, plan.prefillWorker());
        }
    }

    /** A disk that was slow is not asked any more, so nobody would see when it no longer is. */
    private void measure(Request request, int wanted, String worker) {
        var keys = request.promptKeys();
        int inHost = host.match(keys);
        if (wanted <= inHost
                && disk.match(keys, inHost) > 0
                && occasions.incrementAndGet() % MEASURED_PART == 0) {
            var prompt = prompt(request, inHost + 1);
            long tokens = Math.min(blockTokens, request.reusable() - inHost * blockTokens);
            promoter.measure(
                    prompt, inHost, nanos -> router.moved(worker, place, tokens, nanos / 1e6));
        }
    }

    /**
     * Fetches the first blocks of a request that waits for its turn, behind what is being served.
     *
     * @return gives it up unless it has begun; idempotent
     */
    Runnable fetchAhead(Request request, int blocks) {
        return promoter.promoteAhead(prompt(request, blocks), new FetchAhead(request));
    }

    private Promoter.Prompt prompt(Request request, int blocks) {
        return new Promoter.Prompt(
                request.root(),
                request.promptKeys().subList(0, blocks),
                request.tokens(),
                request.reusable(),
                blockTokens,
                request.owner());
    }

    /** What the queue had no room for, or was evicted, has another chance when it is used. */
    private void writeAgain(Request request, int onDisk) {
        var keys = request.promptKeys();
        int inHost = host.match(keys);
        for (int block = onDisk; block < inHost; block++) {
            int from = block * blockTokens;
            writeBehind(
                    keys.get(block),
                    Blocks.parent(keys, request.root(), block),
                    request.tokens(),
                    from,
                    Math.min(from + blockTokens, request.reusable()));
        }
    }

    /** Puts what came from the disk down to the request, and its speed to the router. */
    private final class Fetch implements Promoter.Listener {
        private final Request request;
        private final String worker;

        Fetch(Request request, String worker) {
            this.request = request;
            this.worker = worker;
        }

        @Override
        public void promoted(int tokens) {
            request.diskTokens.addAndGet(tokens);
        }

        @Override
        public void late(int tokens, long nanos) {
            router.moved(worker, place, tokens, nanos / 1e6);
        }

        @Override
        public void ended(int tokens, long nanos) {
            request.diskNanos = nanos;
            if (tokens > 0) {
                router.moved(worker, place, tokens, nanos / 1e6);
            }
        }
    }

    /** Puts it down to the request, whose time it does not take. */
    private final class FetchAhead implements Promoter.Listener {
        private final Request request;

        FetchAhead(Request request) {
            this.request = request;
        }

        @Override
        public void promoted(int tokens) {
            request.diskTokens.addAndGet(tokens);
            ahead.increment();
        }

        @Override
        public void ended(int tokens, long nanos) {
            request.diskAheadNanos = nanos;
        }
    }

    /** For statistics: gauges and counters by name. */
    Map<String, Double> stats() {
        var stats = disk.stats();
        var map = new LinkedHashMap<String, Double>();
        map.put("readable", stats.readable() ? 1.0 : 0.0);
        map.put("writable", stats.writable() ? 1.0 : 0.0);
        map.put("lossy", disk.isLossy() ? 1.0 : 0.0);
        map.put("folders", (double) stats.folders());
        map.put("folders_readable", (double) stats.foldersReadable());
        map.put("folders_writable", (double) stats.foldersWritable());
        map.put("bytes_capacity", (double) stats.capacityBytes());
        map.put("bytes", (double) stats.bytes());
        map.put("bytes_live", (double) stats.liveBytes());
        map.put("bytes_foreign", (double) stats.foreignBytes());
        map.put("segments", (double) stats.segments());
        map.put("blocks", (double) stats.blocks());
        map.put("queue_blocks", (double) stats.queued());
        map.put("queue_bytes", (double) stats.queuedBytes());
        map.put("hits", (double) stats.hits());
        map.put("misses", (double) stats.misses());
        map.put("read_seconds", stats.readNanos() / 1e9);
        map.put("bytes_read", (double) stats.bytesRead());
        map.put("stored", (double) stats.stored());
        map.put("shed", (double) stats.shed());
        map.put("refused_orphan", (double) stats.refusedOrphan());
        map.put("evictions_room", (double) stats.evictedRoom());
        map.put("evictions_orphan", (double) stats.evictedOrphan());
        map.put("rewritten", (double) stats.rewritten());
        map.put("checksum_failures", (double) stats.checksumFailures());
        map.put("collisions", (double) stats.collisions());
        map.put("read_errors", (double) stats.readErrors());
        map.put("late", (double) stats.late());
        map.put("promoted_ahead", (double) ahead.sum());
        map.put("bytes_stored", (double) stats.bytesStored());
        map.put("bytes_written", (double) stats.bytesWritten());
        return Map.copyOf(map);
    }

    /** Ends fetching and writes what waits; the host tier must still be open. */
    @Override
    public void close() {
        promoter.close();
        disk.close();
    }
}
