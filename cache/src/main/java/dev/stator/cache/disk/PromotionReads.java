package dev.stator.cache.disk;

import dev.stator.cache.BlockReservation;
import dev.stator.cache.HostTier;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The buffers and reads of one promotion at a time: some blocks ahead, published in order. */
final class PromotionReads {
    /** Blocks that are read at a time. */
    static final int AHEAD = 4;

    private final HostTier host;
    private final DiskTier disk;
    private final ExecutorService readers;
    private final long graceNanos;
    private final List<ReadBuffer> buffers = new ArrayList<>();
    private final List<Future<Optional<DiskBlock>>> reads = new ArrayList<>();
    private boolean late;

    private PromotionReads(HostTier host, DiskTier disk, ExecutorService readers, long graceNanos) {
        this.host = host;
        this.disk = disk;
        this.readers = readers;
        this.graceNanos = graceNanos;
        for (int i = 0; i < AHEAD; i++) {
            buffers.add(disk.readBuffer());
        }
    }

    /** Those that nobody uses. */
    static final class Pool {
        private final HostTier host;
        private final DiskTier disk;
        private final ExecutorService readers;
        private final long graceNanos;
        private final List<PromotionReads> idle = new ArrayList<>();

        Pool(HostTier host, DiskTier disk, ExecutorService readers, long graceNanos) {
            this.host = host;
            this.disk = disk;
            this.readers = readers;
            this.graceNanos = graceNanos;
        }

        synchronized PromotionReads take() {
            return idle.isEmpty()
                    ? new PromotionReads(host, disk, readers, graceNanos)
                    : idle.removeLast();
        }

        /** Waits for reads that have not come back: their buffers are in use till then. */
        void giveBack(PromotionReads reads) {
            reads.settle();
            synchronized (this) {
                idle.add(reads);
            }
        }
    }

    /** Whether the last promotion ended because a block did not come in time. */
    boolean isLate() {
        return late;
    }

    /** Returns how many tokens are in the host tier now. */
    int bring(Promoter.Promotion promotion) {
        late = false;
        int tokens = 0;
        int blocks = promotion.end() - promotion.first();
        long due = System.nanoTime() + graceNanos;
        for (int i = 0; i < Math.min(AHEAD, blocks); i++) {
            reads.add(read(promotion, i));
        }
        for (int i = 0; i < blocks; i++) {
            due +=
                    TimeUnit.MICROSECONDS.toNanos(
                            disk.recomputeMicros(
                                    promotion.prompt().keys().get(promotion.first() + i)));
            Optional<DiskBlock> block = await(reads.get(i), due);
            if (block.isEmpty() || !publish(promotion, i, block.get())) {
                return tokens;
            }
            tokens += block.get().tokens();
            if (i + AHEAD < blocks) {
                reads.add(read(promotion, i + AHEAD));
            }
        }
        return tokens;
    }

    private Future<Optional<DiskBlock>> read(Promoter.Promotion promotion, int i) {
        Promoter.Prompt prompt = promotion.prompt();
        int block = promotion.first() + i;
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

    private Optional<DiskBlock> await(Future<Optional<DiskBlock>> read, long due) {
        try {
            return read.get(Math.max(0, due - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (TimeoutException _) {
            late = true;
            return Optional.empty();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new IllegalStateException("reading from the disk tier failed", e);
        }
    }

    private boolean publish(Promoter.Promotion promotion, int i, DiskBlock block) {
        Promoter.Prompt prompt = promotion.prompt();
        int number = promotion.first() + i;
        Optional<BlockReservation> reserved =
                host.reserve(
                        block.key(),
                        prompt.parent(number),
                        prompt.tokens(),
                        prompt.from(number),
                        prompt.to(number),
                        block.recomputeMicros(),
                        prompt.tenant());
        if (reserved.isEmpty()) {
            return false;
        }
        try (BlockReservation reservation = reserved.get()) {
            if (!buffers.get(i % AHEAD).copyTo(reservation.rows())) {
                return false;
            }
            promotion.listener().promoted(block.tokens());
            reservation.commit();
            return true;
        }
    }

    private void settle() {
        for (Future<Optional<DiskBlock>> read : reads) {
            boolean done = false;
            while (!done) {
                try {
                    read.get();
                    done = true;
                } catch (ExecutionException _) {
                    // Told by whoever waited for it first.
                    done = true;
                } catch (InterruptedException _) {
                    // Virtual threads of ours are interrupted by nobody.
                    continue;
                }
            }
        }
        reads.clear();
    }
}
