package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;

/**
 * Blocks in a store that several nodes share. Thread-safe.
 *
 * <p>Nobody tells a node what others have put there: it {@linkplain #lookFor looks} for a prompt's
 * blocks and remembers what it has found or written, which is what {@link #match} answers from. A
 * store that fails several times in a row is left alone until it answers again; meanwhile nothing
 * is known to be there.
 */
public final class RemoteTier implements AutoCloseable {
    /*
     * One lock guards what is known, the outbox and the counters; it is never held during I/O or a
     * callback other than the inventory's.
     */

    /** Blocks that are known to be there at most; some 150 bytes each. */
    public static final int MOST_KNOWN = 1 << 16;

    /** What waits when the tier is closed may take so long to be written. */
    private static final Duration LAST_WRITES = Duration.ofSeconds(5);

    private static final int DELETED_AT_ONCE = 100;

    /** Without an end, a block is looked for again after so long. */
    private static final Duration MEMORY = Duration.ofHours(1);

    private final RemoteStore store;
    private final RemoteTierOptions options;
    private final String prefix;
    private final ReentrantLock lock = new ReentrantLock();
    private final KnownBlocks known;
    private final Outbox outbox;
    private final Breaker breaker;
    private final Search search;
    private final Trial trial;
    private final Thread writer;

    private long hits;
    private long misses;
    private long readNanos;
    private long bytesRead;
    private long bytesReceived;
    private long stored;
    private long bytesStored;
    private long bytesSent;
    private long shed;
    private long refusedOrphan;
    private long checksumFailures;
    private long foreign;
    private long collisions;
    private long readErrors;
    private long writeErrors;
    private long givenUp;

    private RemoteTier(RemoteStore store, RemoteTierOptions options) {
        this.store = store;
        this.options = options;
        this.prefix = "stator:%d:%s:".formatted(RecordFormat.VERSION, options.fingerprint());
        Duration life = options.life();
        this.known =
                new KnownBlocks(
                        MOST_KNOWN,
                        (life.isZero() || life.compareTo(MEMORY) > 0 ? MEMORY : life).toNanos(),
                        options.inventory());
        this.outbox = new Outbox(options.queueBytes(), lock);
        this.breaker =
                new Breaker(
                        () -> store.contains(List.of(prefix)),
                        options.timeout(),
                        this::forget,
                        this::tell);
        this.trial = new Trial(this, store, options, prefix + "trial");
        this.search = new Search(this, store, options.timeout());
        this.writer =
                Thread.ofPlatform()
                        .name("remote-writer")
                        .daemon()
                        .unstarted(new WriteBehind(this, store, options));
    }

    /** Takes a store into use, which need not be reachable yet, and which {@link #close} closes. */
    public static RemoteTier open(RemoteStore store, RemoteTierOptions options) {
        RemoteTier tier = new RemoteTier(store, options);
        tier.writer.start();
        return tier;
    }

    String name(BlockKey key) {
        return prefix + options.key().name(key);
    }

    /**
     * Removes blocks from the store, as far as their keys are known here: what other nodes have
     * made of them cannot be found without them, and goes when its time is over.
     *
     * @param keys to which those are added that were on their way behind them
     * @return completes when the store has answered; fails if it does not
     */
    public CompletableFuture<?> erase(Set<BlockKey> keys) {
        List<Outbox.Offer> withdrawn;
        boolean onTheWay;
        lock.lock();
        try {
            withdrawn = outbox.withdraw(keys);
            onTheWay = keys.stream().anyMatch(outbox::isPending);
            keys.forEach(known::remove);
        } finally {
            lock.unlock();
        }
        withdrawn.forEach(offer -> offer.release().run());
        if (keys.isEmpty()) {
            return CompletableFuture.completedFuture(true);
        }
        if (onTheWay || !breaker.allows()) {
            return CompletableFuture.failedFuture(
                    new IllegalStateException(
                            onTheWay
                                    ? "a block is being written"
                                    : "the remote cache does not answer"));
        }
        List<CompletableFuture<?>> deletions = new ArrayList<>();
        List<String> names = keys.stream().map(this::name).toList();
        for (int from = 0; from < names.size(); from += DELETED_AT_ONCE) {
            deletions.add(
                    store.delete(
                            names.subList(from, Math.min(names.size(), from + DELETED_AT_ONCE))));
        }
        return CompletableFuture.allOf(deletions.toArray(CompletableFuture<?>[]::new))
                .orTimeout(LAST_WRITES.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Whether what is read may differ from what was written. */
    public boolean isLossy() {
        return options.codec().isLossy();
    }

    /** Whether the store is in use just now. */
    public boolean isReachable() {
        return breaker.allows();
    }

    /**
     * Offers a block to be written. It is not taken if it is known to be there or on its way
     * already, if its parent is neither, if too much waits, or if the store is not reachable;
     * statistics tell which.
     *
     * @param tokens its token ids, not copied
     * @param rows its bytes, which must not change until {@code release} is run
     * @param release run exactly once, by whatever thread
     * @return whether it will be attempted to write the block
     * @throws IllegalArgumentException if tokens or rows are not as many as the block says
     */
    public boolean offer(RemoteBlock block, int[] tokens, MemorySegment rows, Runnable release) {
        if (tokens.length != block.tokens() || rows.byteSize() != block.payloadBytes()) {
            throw new IllegalArgumentException(
                    "block %s should have %d tokens and %d bytes, not %d and %d"
                            .formatted(
                                    block.key(),
                                    block.tokens(),
                                    block.payloadBytes(),
                                    tokens.length,
                                    rows.byteSize()));
        }
        boolean reachable = breaker.allows();
        boolean taken;
        lock.lock();
        try {
            taken = admits(block, reachable);
            if (taken) {
                outbox.add(new Outbox.Offer(block, tokens, rows, release));
            }
        } finally {
            lock.unlock();
        }
        if (!taken) {
            release.run();
        }
        return taken;
    }

    private boolean admits(RemoteBlock block, boolean reachable) {
        if (isComing(block.key())) {
            return false;
        }
        if (reachable && block.position() > 0 && !isComing(block.parent())) {
            refusedOrphan++;
            return false;
        }
        if (!reachable || !outbox.hasRoom(block.payloadBytes())) {
            shed++;
            return false;
        }
        return true;
    }

    private boolean isComing(BlockKey key) {
        return known.contains(key, System.nanoTime()) || outbox.isPending(key);
    }

    /** How many keys from {@code from} on are known to be there. */
    public int match(List<BlockKey> keys, int from) {
        lock.lock();
        try {
            return known.match(keys, from, System.nanoTime());
        } finally {
            lock.unlock();
        }
    }

    /** How many leading keys are known to be there or on their way. */
    public int coming(List<BlockKey> keys) {
        lock.lock();
        try {
            int at = 0;
            while (at < keys.size() && isComing(keys.get(at))) {
                at++;
            }
            return at;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Finds out how many leading blocks are there, in few questions; {@link #match} knows more
     * after each answer. Asks nothing if the store is not reachable or too many look already.
     *
     * @return how many; never fails
     */
    public CompletableFuture<Integer> lookFor(List<BlockKey> keys) {
        return breaker.allows() ? search.run(keys) : CompletableFuture.completedFuture(0);
    }

    /** How long an answer to {@link #lookFor} has taken lately; 0 if nobody has looked yet. */
    public double lookMillis() {
        return search.millis();
    }

    void found(List<BlockKey> keys) {
        lock.lock();
        try {
            long now = System.nanoTime();
            for (BlockKey key : keys) {
                known.add(key, now);
            }
        } finally {
            lock.unlock();
        }
    }

    // For promotions.

    RecordReader reader() {
        return new RecordReader(options.key(), options.fingerprint(), isLossy());
    }

    /** Begins to read a value. */
    CompletableFuture<Optional<byte[]>> get(BlockKey key) {
        return store.get(
                name(key), RecordFormat.recordBytes(options.blockTokens(), options.blockBytes()));
    }

    /** See {@link RemoteStore#release}. */
    void release(byte[] value) {
        store.release(value);
    }

    Duration timeout() {
        return options.timeout();
    }

    int blockBytes() {
        return options.blockBytes();
    }

    void answered(int valueBytes) {
        breaker.succeeded();
        lock.lock();
        try {
            bytesReceived += valueBytes;
        } finally {
            lock.unlock();
        }
    }

    void hit(int payloadBytes, long nanos) {
        lock.lock();
        try {
            hits++;
            bytesRead += payloadBytes;
            readNanos += nanos;
        } finally {
            lock.unlock();
        }
    }

    /** It was known to be there, and is not. */
    void missing(BlockKey key) {
        lock.lock();
        try {
            misses++;
            known.remove(key);
        } finally {
            lock.unlock();
        }
    }

    /** There is something else in its place, which is written over when the block is computed. */
    void unusable(BlockKey key, Verdict verdict) {
        boolean first;
        lock.lock();
        try {
            first = checksumFailures + foreign + collisions == 0;
            switch (verdict) {
                case CORRUPT -> checksumFailures++;
                case FOREIGN -> foreign++;
                case COLLISION -> collisions++;
                case INTACT -> throw new IllegalArgumentException("an intact block is usable");
            }
            misses++;
            known.remove(key);
        } finally {
            lock.unlock();
        }
        if (first) {
            options.warnings()
                    .accept(
                            "A block in the remote cache %s is not as this node would have written it. It is computed again; metrics count those that follow. Do all nodes use the same key file, and nobody else the same names?"
                                    .formatted(store.address()));
        }
    }

    void readFailed(Throwable e) {
        lock.lock();
        try {
            readErrors++;
        } finally {
            lock.unlock();
        }
        breaker.failed(e);
    }

    /**
     * Reads a block and throws it away.
     *
     * @param took hears the nanoseconds, if it came; from another thread
     */
    public void measure(BlockKey key, LongConsumer took) {
        if (!breaker.allows()) {
            return;
        }
        long start = System.nanoTime();
        get(key).orTimeout(options.timeout().toNanos(), TimeUnit.NANOSECONDS)
                .whenComplete(
                        (value, failure) -> {
                            if (failure != null) {
                                readFailed(failure);
                            } else if (value.isPresent()) {
                                answered(value.get().length);
                                took.accept(System.nanoTime() - start);
                            }
                        });
    }

    /**
     * Measures, now and whenever the store answers again, how fast blocks come from it. If it does
     * not answer now, it is left alone until it does.
     */
    public void watchSpeed(SpeedListener listener) {
        trial.watch(listener);
    }

    void trialFailed(Throwable e) {
        breaker.lost(e);
    }

    void gaveUp() {
        lock.lock();
        try {
            givenUp++;
        } finally {
            lock.unlock();
        }
    }

    // For the thread that writes.

    Optional<Outbox.Offer> take() {
        lock.lock();
        try {
            return outbox.take();
        } finally {
            lock.unlock();
        }
    }

    void written(RemoteBlock block, int valueBytes) {
        breaker.succeeded();
        lock.lock();
        try {
            outbox.settle(block.key());
            known.add(block.key(), System.nanoTime());
            stored++;
            bytesStored += block.payloadBytes();
            bytesSent += valueBytes;
        } finally {
            lock.unlock();
        }
    }

    void notWritten(RemoteBlock block, Throwable failure) {
        lock.lock();
        try {
            outbox.settle(block.key());
            writeErrors++;
        } finally {
            lock.unlock();
        }
        breaker.failed(failure);
    }

    /** The store is left alone from now on. */
    private void forget() {
        List<Outbox.Offer> dropped;
        lock.lock();
        try {
            known.clear();
            dropped = outbox.dropAll();
            shed += dropped.size();
        } finally {
            lock.unlock();
        }
        dropped.forEach(offer -> offer.release().run());
        store.reset();
    }

    private void tell(boolean open) {
        if (!open) {
            trial.start();
        }
        options.warnings()
                .accept(
                        open
                                ? "The remote cache %s does not answer (%s). Requests go on without it; it is tried again until it does."
                                        .formatted(store.address(), breaker.lastFailure())
                                : "The remote cache %s answers again.".formatted(store.address()));
    }

    /** Returns when everything that was offered is written, or will not be. */
    public void awaitWritten() {
        lock.lock();
        try {
            outbox.awaitIdle();
        } finally {
            lock.unlock();
        }
    }

    public RemoteStats stats() {
        boolean reachable = breaker.allows();
        long openings = breaker.openings();
        lock.lock();
        try {
            return new RemoteStats(
                    reachable,
                    known.size(),
                    outbox.size(),
                    outbox.bytes(),
                    hits,
                    misses,
                    readNanos,
                    bytesRead,
                    bytesReceived,
                    stored,
                    bytesStored,
                    bytesSent,
                    shed,
                    refusedOrphan,
                    checksumFailures,
                    foreign,
                    collisions,
                    readErrors,
                    writeErrors,
                    givenUp,
                    search.questions(),
                    search.nanos(),
                    openings);
        } finally {
            lock.unlock();
        }
    }

    /** Writes what waits, for a few seconds at most, and closes the store. */
    @Override
    public void close() {
        lock.lock();
        try {
            outbox.end();
        } finally {
            lock.unlock();
        }
        try {
            if (writer.join(LAST_WRITES)) {
                awaitWritten();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        breaker.close();
        forget();
        store.close();
    }
}
