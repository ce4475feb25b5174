package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockReservation;
import dev.stator.cache.ClaimState;
import dev.stator.cache.Claimant;
import dev.stator.cache.HostTier;
import dev.stator.cache.Waiting;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * Brings blocks from the disk tier to the host tier before somebody needs them. Thread-safe.
 *
 * <p>A block that is on its way is claimed like one that is being computed: whoever needs it waits
 * for it, and computes it if the claim is given up because it could not be read or found no room.
 */
public final class Promoter implements AutoCloseable {
    /** Blocks of one promotion that are read at a time. */
    private static final int AHEAD = 4;

    /** Promotions that read at a time; others wait in the order in which they began. */
    private static final int LANES = 2;

    /** Whoever computes the block before ours may take so long. */
    private static final long PARENT_SECONDS = 60;

    private final HostTier host;
    private final DiskTier disk;
    private final Semaphore lanes = new Semaphore(LANES, true);
    private final List<Lane> idleLanes = new ArrayList<>();
    private final ExecutorService readers =
            Executors.newFixedThreadPool(
                    LANES * AHEAD, Thread.ofPlatform().name("disk-reader-", 0).daemon().factory());
    private final ThreadFactory promotions = Thread.ofVirtual().name("promotion").factory();
    private final Waiters waiters = new Waiters();

    /** A prompt, or the beginning of one, cut into blocks. The last may be short. */
    public record Prompt(
            BlockKey root, List<BlockKey> keys, int[] tokens, int end, int blockTokens) {
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

    public Promoter(HostTier host, DiskTier disk) {
        this.host = host;
        this.disk = disk;
        readers.execute(() -> disk.readBuffer().warmUp());
    }

    /**
     * Begins to bring those of a prompt's blocks that the host tier lacks and the disk has. They
     * are claimed when this returns.
     *
     * @return whether there are any; if not, the listener hears nothing
     */
    public boolean promote(Prompt prompt, Listener listener) {
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
        if (next == first) {
            return false;
        }
        Promotion promotion = new Promotion(prompt, first, next, claimant, listener);
        if (!waiters.enter()) {
            host.release(claimant);
            return false;
        }
        promotions.newThread(() -> run(promotion)).start();
        return true;
    }

    private record Promotion(
            Prompt prompt, int first, int end, Claimant claimant, Listener listener) {}

    private void run(Promotion promotion) {
        int tokens = 0;
        long nanos = 0;
        try {
            if (promotion.first == 0 || awaitParent(promotion)) {
                lanes.acquire();
                Lane lane = takeLane();
                try {
                    long start = System.nanoTime();
                    tokens = lane.bring(promotion);
                    nanos = System.nanoTime() - start;
                } finally {
                    giveBack(lane);
                    lanes.release();
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            host.release(promotion.claimant);
            waiters.leave();
            promotion.listener.ended(tokens, nanos);
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

    private Lane takeLane() {
        synchronized (idleLanes) {
            return idleLanes.isEmpty() ? new Lane() : idleLanes.removeLast();
        }
    }

    private void giveBack(Lane lane) {
        synchronized (idleLanes) {
            idleLanes.add(lane);
        }
    }

    /** The buffers of one promotion at a time. */
    private final class Lane {
        private final List<ReadBuffer> buffers = new ArrayList<>();

        Lane() {
            for (int i = 0; i < AHEAD; i++) {
                buffers.add(disk.readBuffer());
            }
        }

        /** Returns how many tokens are in the host tier now. */
        int bring(Promotion promotion) throws InterruptedException {
            List<Future<Optional<DiskBlock>>> reads = new ArrayList<>();
            int tokens = 0;
            try {
                for (int i = 0; i < AHEAD && promotion.first + i < promotion.end; i++) {
                    reads.add(read(promotion, i));
                }
                for (int i = 0; promotion.first + i < promotion.end; i++) {
                    Optional<DiskBlock> block = reads.get(i).get();
                    if (block.isEmpty() || !publish(promotion, i, block.get())) {
                        return tokens;
                    }
                    tokens += block.get().tokens();
                    if (promotion.first + i + AHEAD < promotion.end) {
                        reads.add(read(promotion, i + AHEAD));
                    }
                }
                return tokens;
            } catch (ExecutionException e) {
                throw new IllegalStateException("reading from the disk tier failed", e);
            } finally {
                settle(reads);
            }
        }

        private Future<Optional<DiskBlock>> read(Promotion promotion, int i) {
            Prompt prompt = promotion.prompt;
            int block = promotion.first + i;
            ReadBuffer buffer = buffers.get(i % AHEAD);
            return readers.submit(
                    () ->
                            disk.read(
                                    prompt.keys().get(block),
                                    prompt.tokens(),
                                    prompt.from(block),
                                    prompt.to(block),
                                    buffer));
        }

        private boolean publish(Promotion promotion, int i, DiskBlock block) {
            Prompt prompt = promotion.prompt;
            int number = promotion.first + i;
            Optional<BlockReservation> reserved =
                    host.reserve(
                            block.key(),
                            prompt.parent(number),
                            prompt.tokens(),
                            prompt.from(number),
                            prompt.to(number),
                            block.recomputeMicros());
            if (reserved.isEmpty()) {
                return false;
            }
            try (BlockReservation reservation = reserved.get()) {
                ReadBuffer buffer = buffers.get(i % AHEAD);
                if (reservation.rows().byteSize() != buffer.payloadBytes()) {
                    return false;
                }
                buffer.copyTo(reservation.rows());
                promotion.listener.promoted(block.tokens());
                reservation.commit();
                return true;
            }
        }

        /** The buffers belong to nobody when this returns. */
        private void settle(List<Future<Optional<DiskBlock>>> reads) throws InterruptedException {
            for (Future<Optional<DiskBlock>> read : reads) {
                try {
                    read.get();
                } catch (ExecutionException _) {
                    // Told by whoever waited for it first.
                }
            }
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
