package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import dev.stator.cache.ClaimState;
import dev.stator.cache.Claimant;
import dev.stator.cache.HostTier;
import dev.stator.cache.Tenant;
import dev.stator.cache.Waiting;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongConsumer;

/**
 * Brings blocks from the disk tier to the host tier before somebody needs them. Thread-safe.
 *
 * <p>A block that is on its way is claimed like one that is being computed: whoever needs it waits
 * for it, and computes it if the claim is given up because it could not be read, found no room, or
 * is not there after the time that computing it would have taken.
 */
public final class Promoter implements AutoCloseable {
    /** Promotions of requests that are being served that read at a time; others wait in turn. */
    private static final int LANES = 2;

    /** Of requests that wait. They claim nothing before they read, so nobody waits for them. */
    private static final int LANES_AHEAD = 1;

    /** Blocks that are read at a time only to see how long that takes. */
    private static final int MEASURING = 1;

    /** Whoever computes the block before ours may take so long. */
    private static final long PARENT_SECONDS = 60;

    /** A read may take so much longer than computing. */
    private static final Duration GRACE = Duration.ofMillis(250);

    private final HostTier host;
    private final DiskTier disk;
    private final long graceNanos;
    private final Lanes lanes = new Lanes(LANES);
    private final Lanes lanesAhead = new Lanes(LANES_AHEAD);
    private final ExecutorService readers =
            Executors.newFixedThreadPool(
                    (LANES + LANES_AHEAD) * PromotionReads.AHEAD + MEASURING,
                    Thread.ofPlatform().name("disk-reader-", 0).daemon().factory());
    private final PromotionReads.Pool pool;
    private final ThreadFactory promotions = Thread.ofVirtual().name("promotion").factory();
    private final Waiters waiters = new Waiters();
    private final AtomicBoolean measuring = new AtomicBoolean();

    /** For whoever has set that it measures. */
    private final ReadBuffer measured;

    /**
     * A prompt, or the beginning of one, cut into blocks. The last may be short.
     *
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

        /** So many tokens were not there after that time, so they are not waited for any more. */
        default void late(int tokens, long nanos) {}

        /** No more will come. */
        void ended(int tokens, long nanos);
    }

    /** Blocks that are on their way. */
    record Promotion(Prompt prompt, int first, int end, Claimant claimant, Listener listener) {}

    public Promoter(HostTier host, DiskTier disk) {
        this(host, disk, GRACE);
    }

    Promoter(HostTier host, DiskTier disk, Duration grace) {
        this.host = host;
        this.disk = disk;
        this.graceNanos = grace.toNanos();
        this.pool = new PromotionReads.Pool(host, disk, readers, graceNanos);
        this.measured = disk.readBuffer();
        readers.execute(() -> disk.readBuffer().warmUp());
    }

    /**
     * Begins to bring those of a prompt's blocks that the host tier lacks and the disk has. They
     * are claimed when this returns.
     *
     * @return whether there are any; if not, the listener hears nothing
     */
    public boolean promote(Prompt prompt, Listener listener) {
        if (lanes.areAllStuck() || !waiters.enter()) {
            return false;
        }
        Promotion promotion = claim(prompt, listener);
        if (promotion.first == promotion.end) {
            waiters.leave();
            return false;
        }
        promotions.newThread(() -> run(promotion)).start();
        return true;
    }

    /**
     * Brings blocks that a request will want which is not yet served, behind all that have been
     * asked for before it. The listener hears nothing if there are none by then.
     *
     * @return gives it up unless it has begun; idempotent
     */
    public Runnable promoteAhead(Prompt prompt, Listener listener) {
        if (disk.match(prompt.keys(), host.match(prompt.keys())) == 0 || !waiters.enter()) {
            return () -> {};
        }
        AtomicBoolean settled = new AtomicBoolean();
        promotions.newThread(() -> runAhead(prompt, listener, settled)).start();
        return () -> settled.set(true);
    }

    /**
     * Reads a block for nothing but the time that it takes, unless the last one that was read for
     * that has not come back.
     *
     * @param block of the prompt, which the disk has
     * @param took hears the nanoseconds, if it could be read; from another thread
     */
    public void measure(Prompt prompt, int block, LongConsumer took) {
        if (!measuring.compareAndSet(false, true)) {
            return;
        }
        if (!waiters.enter()) {
            measuring.set(false);
            return;
        }
        try {
            readers.execute(() -> readToMeasure(prompt, block, took));
        } finally {
            // Closing does not wait for a disk that hangs.
            waiters.leave();
        }
    }

    private void readToMeasure(Prompt prompt, int block, LongConsumer took) {
        try {
            long start = System.nanoTime();
            if (disk.read(
                            prompt.keys().get(block),
                            prompt.tokens(),
                            prompt.from(block),
                            prompt.to(block),
                            measured)
                    .isPresent()) {
                took.accept(System.nanoTime() - start);
            }
        } finally {
            measuring.set(false);
        }
    }

    /** What can be had of a prompt, from the first block that nobody else brings or computes. */
    private Promotion claim(Prompt prompt, Listener listener) {
        int first = host.match(prompt.keys());
        int end = first + disk.match(prompt.keys(), first);
        Claimant claimant = new Claimant("promotion");
        while (first < end && host.claim(prompt.keys().get(first), claimant) != ClaimState.MINE) {
            first++;
        }
        int next = first;
        while (next < end
                && (next == first
                        || host.claim(prompt.keys().get(next), claimant) == ClaimState.MINE)) {
            next++;
        }
        return new Promotion(prompt, first, next, claimant, listener);
    }

    private void run(Promotion promotion) {
        try {
            if (!awaitParent(promotion)) {
                end(promotion, 0, 0);
            } else if (lanes.enter(graceNanos + recomputeNanos(promotion))) {
                bring(promotion, lanes);
            } else {
                disk.late();
                end(promotion, 0, 0);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            end(promotion, 0, 0);
        }
    }

    private void runAhead(Prompt prompt, Listener listener, AtomicBoolean settled) {
        try {
            while (!lanesAhead.enter(graceNanos)) {
                if (settled.get() || lanesAhead.areAllStuck()) {
                    waiters.leave();
                    return;
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            waiters.leave();
            return;
        }
        if (!settled.compareAndSet(false, true)) {
            lanesAhead.leave(false);
            waiters.leave();
            return;
        }
        Promotion promotion = claim(prompt, listener);
        if (promotion.first == promotion.end || !hasParent(promotion)) {
            // What others bring or compute is not waited for; the rest is had once it is served.
            host.release(promotion.claimant);
            lanesAhead.leave(false);
            waiters.leave();
        } else {
            bring(promotion, lanesAhead);
        }
    }

    private long recomputeNanos(Promotion promotion) {
        long micros = 0;
        for (BlockKey key : promotion.prompt.keys().subList(promotion.first, promotion.end)) {
            micros += disk.recomputeMicros(key);
        }
        return TimeUnit.MICROSECONDS.toNanos(micros);
    }

    /** In a lane, which is left once its reads have come back, however long that takes. */
    private void bring(Promotion promotion, Lanes lane) {
        PromotionReads reads = pool.take();
        boolean late = false;
        try {
            long start = System.nanoTime();
            int tokens = 0;
            try {
                tokens = reads.bring(promotion);
                late = reads.isLate();
                if (late) {
                    lane.stick();
                    disk.late();
                    promotion.listener.late(
                            promotion.prompt.blockTokens(), System.nanoTime() - start);
                }
            } finally {
                end(promotion, tokens, System.nanoTime() - start);
            }
        } finally {
            pool.giveBack(reads);
            lane.leave(late);
        }
    }

    private void end(Promotion promotion, int tokens, long nanos) {
        host.release(promotion.claimant);
        waiters.leave();
        promotion.listener.ended(tokens, nanos);
    }

    private boolean hasParent(Promotion promotion) {
        return promotion.first == 0
                || host.match(List.of(promotion.prompt.parent(promotion.first))) == 1;
    }

    /** Waits for the block before the first; false if it does not come. */
    private boolean awaitParent(Promotion promotion) throws InterruptedException {
        if (promotion.first == 0) {
            return true;
        }
        CountDownLatch told = new CountDownLatch(1);
        BlockKey parent = promotion.prompt.parent(promotion.first);
        try (Waiting _ = host.await(parent, told::countDown)) {
            return told.await(PARENT_SECONDS, TimeUnit.SECONDS) && hasParent(promotion);
        }
    }

    /** Counts promotions, so that closing can wait for them. */
    private static final class Waiters {
        private int count;
        private boolean closed;

        synchronized boolean enter() {
            count += closed ? 0 : 1;
            return !closed;
        }

        synchronized void leave() {
            count--;
            notifyAll();
        }

        synchronized void close() {
            closed = true;
            boolean interrupted = false;
            while (count > 0) {
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

    /** Begins no more and waits for those that run; both tiers must still be open. */
    @Override
    public void close() {
        waiters.close();
        readers.shutdown();
    }
}
