package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockReservation;
import dev.stator.cache.ClaimState;
import dev.stator.cache.Claimant;
import dev.stator.cache.HostTier;
import dev.stator.cache.Tenant;
import dev.stator.cache.Waiting;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Brings blocks from the remote tier to the host tier before somebody needs them. Thread-safe.
 *
 * <p>A block that is on its way is claimed like one that is being computed: whoever needs it waits
 * for it, and computes it if the claim is given up because it did not come, was not what it should
 * be, found no room, or because fetching has taken as long as computing would have.
 */
public final class RemotePromoter implements AutoCloseable {
    /** Blocks of one promotion that are asked for at a time. */
    private static final int AHEAD = 16;

    private static final int AHEAD_BYTES = 32 << 20;

    /** Promotions that read at a time; others wait in the order in which they began. */
    private static final int LANES = 4;

    /** Whoever computes the block before ours may take so long. */
    private static final long PARENT_SECONDS = 60;

    private final HostTier host;
    private final RemoteTier remote;
    private final int ahead;
    private final Semaphore lanes = new Semaphore(LANES, true);
    private final List<RecordReader> idleReaders = new ArrayList<>();
    private final ThreadFactory promotions = Thread.ofVirtual().name("remote-promotion").factory();
    private int running;
    private boolean closed;

    /**
     * A prompt, or the beginning of one, cut into blocks. The last may be short.
     *
     * @param end of the last block, in tokens
     * @param tenant whose blocks they are going to be
     */
    public record Prompt(
            BlockKey root,
            List<BlockKey> keys,
            int[] tokens,
            int end,
            int blockTokens,
            Tenant tenant) {
        /** Of nobody in particular. */
        public Prompt(BlockKey root, List<BlockKey> keys, int[] tokens, int end, int blockTokens) {
            this(root, keys, tokens, end, blockTokens, Tenant.NOBODY);
        }

        BlockKey parent(int block) {
            return block == 0 ? root : keys.get(block - 1);
        }

        int from(int block) {
            return block * blockTokens;
        }

        int to(int block) {
            return Math.min(end, from(block) + blockTokens);
        }
    }

    /** Hears how a promotion goes; from another thread. */
    public interface Listener {
        /** So many tokens are about to be in the host tier. */
        void promoted(int tokens);

        /** No more will come. */
        void ended(int tokens, long nanos);
    }

    public RemotePromoter(HostTier host, RemoteTier remote) {
        this.host = host;
        this.remote = remote;
        this.ahead = Math.clamp(AHEAD_BYTES / remote.blockBytes(), 2, AHEAD);
        Thread.ofPlatform().name("remote-warm-up").daemon().start(() -> remote.reader().warmUp());
    }

    /**
     * Begins to bring those of a prompt's blocks that the host tier lacks and the store is known to
     * have. They are claimed when this returns.
     *
     * @param mostNanos after which it gives up what has not come yet
     * @return whether there are any; if not, the listener hears nothing
     */
    public boolean promote(Prompt prompt, long mostNanos, Listener listener) {
        if (!remote.isReachable()) {
            return false;
        }
        List<BlockKey> keys = prompt.keys();
        int first = host.match(keys);
        int end = remote.match(keys, 0);
        Claimant claimant = new Claimant("promotion from the remote tier");
        while (first < end && host.claim(keys.get(first), claimant) != ClaimState.MINE) {
            first++;
        }
        int next = first;
        while (next < end
                && (next == first || host.claim(keys.get(next), claimant) == ClaimState.MINE)) {
            next++;
        }
        if (next == first) {
            return false;
        }
        Promotion promotion = new Promotion(prompt, first, next, claimant, mostNanos, listener);
        if (!enter()) {
            host.release(claimant);
            return false;
        }
        promotions.newThread(() -> run(promotion)).start();
        return true;
    }

    private record Promotion(
            Prompt prompt,
            int first,
            int end,
            Claimant claimant,
            long mostNanos,
            Listener listener) {}

    private void run(Promotion promotion) {
        int tokens = 0;
        long nanos = 0;
        try {
            if (promotion.first == 0 || awaitParent(promotion)) {
                long start = System.nanoTime();
                if (lanes.tryAcquire(promotion.mostNanos, TimeUnit.NANOSECONDS)) {
                    RecordReader reader = takeReader();
                    try {
                        tokens = new Bringing(promotion, reader, start).run();
                        nanos = System.nanoTime() - start;
                    } finally {
                        giveBack(reader);
                        lanes.release();
                    }
                } else {
                    remote.gaveUp();
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            host.release(promotion.claimant);
            promotion.listener.ended(tokens, nanos);
            leave();
        }
    }

    /** Waits for the block before the first; false if it does not come. */
    private boolean awaitParent(Promotion promotion) throws InterruptedException {
        CountDownLatch told = new CountDownLatch(1);
        BlockKey parent = promotion.prompt.parent(promotion.first);
        try (Waiting _ = host.await(parent, told::countDown)) {
            return told.await(PARENT_SECONDS, TimeUnit.SECONDS) && host.match(List.of(parent)) == 1;
        }
    }

    private RecordReader takeReader() {
        synchronized (idleReaders) {
            return idleReaders.isEmpty() ? remote.reader() : idleReaders.removeLast();
        }
    }

    private void giveBack(RecordReader reader) {
        synchronized (idleReaders) {
            idleReaders.add(reader);
        }
    }

    /** One promotion that has a lane. */
    private final class Bringing {
        private final Promotion promotion;
        private final Prompt prompt;
        private final RecordReader reader;
        private final long start;
        private final Deque<CompletableFuture<Optional<byte[]>>> coming = new ArrayDeque<>();
        private int asked;

        Bringing(Promotion promotion, RecordReader reader, long start) {
            this.promotion = promotion;
            this.prompt = promotion.prompt;
            this.reader = reader;
            this.start = start;
            this.asked = promotion.first;
        }

        /** Returns how many tokens are in the host tier now. */
        int run() throws InterruptedException {
            int tokens = 0;
            try {
                for (int block = promotion.first; block < promotion.end; block++) {
                    ask();
                    long waitingSince = System.nanoTime();
                    Optional<byte[]> value = await(block, coming.removeFirst());
                    if (value.isEmpty()) {
                        return tokens;
                    }
                    boolean published = isIntact(block, value.get()) && publish(block);
                    remote.release(value.get());
                    if (!published) {
                        return tokens;
                    }
                    int size = prompt.to(block) - prompt.from(block);
                    remote.hit(host.options().blockBytes(size), System.nanoTime() - waitingSince);
                    tokens += size;
                }
                return tokens;
            } finally {
                coming.forEach(value -> value.cancel(true));
            }
        }

        private void ask() {
            while (asked < promotion.end && coming.size() < ahead && remote.isReachable()) {
                coming.add(remote.get(prompt.keys().get(asked)));
                asked++;
            }
            if (coming.isEmpty()) {
                coming.add(CompletableFuture.completedFuture(Optional.empty()));
            }
        }

        private Optional<byte[]> await(int block, CompletableFuture<Optional<byte[]>> coming)
                throws InterruptedException {
            long left = promotion.mostNanos - (System.nanoTime() - start);
            long patience = remote.timeout().toNanos();
            try {
                Optional<byte[]> value =
                        coming.get(Math.max(0, Math.min(left, patience)), TimeUnit.NANOSECONDS);
                if (value.isEmpty()) {
                    remote.missing(prompt.keys().get(block));
                }
                remote.answered(value.map(bytes -> bytes.length).orElse(0));
                return value;
            } catch (ExecutionException e) {
                remote.readFailed(e);
            } catch (TimeoutException e) {
                coming.cancel(true);
                if (left < patience) {
                    remote.gaveUp();
                } else {
                    remote.readFailed(e);
                }
            }
            return Optional.empty();
        }

        private boolean isIntact(int block, byte[] value) {
            int from = prompt.from(block);
            int to = prompt.to(block);
            Verdict verdict =
                    reader.open(
                            value,
                            prompt.keys().get(block),
                            prompt.parent(block),
                            prompt.tokens(),
                            from,
                            to,
                            host.options().blockBytes(to - from));
            if (verdict != Verdict.INTACT) {
                remote.unusable(prompt.keys().get(block), verdict);
            }
            return verdict == Verdict.INTACT;
        }

        private boolean publish(int block) {
            Optional<BlockReservation> reserved =
                    host.reserve(
                            prompt.keys().get(block),
                            prompt.parent(block),
                            prompt.tokens(),
                            prompt.from(block),
                            prompt.to(block),
                            reader.recomputeMicros(),
                            prompt.tenant());
            if (reserved.isEmpty()) {
                return false;
            }
            try (BlockReservation reservation = reserved.get()) {
                reader.copyTo(reservation.rows());
                promotion.listener.promoted(prompt.to(block) - prompt.from(block));
                reservation.commit();
                return true;
            }
        }
    }

    private synchronized boolean enter() {
        running += closed ? 0 : 1;
        return !closed;
    }

    private synchronized void leave() {
        running--;
        notifyAll();
    }

    /** Begins no more and waits for those that run; both tiers must still be open. */
    @Override
    public synchronized void close() {
        closed = true;
        boolean interrupted = false;
        while (running > 0) {
            try {
                wait();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
