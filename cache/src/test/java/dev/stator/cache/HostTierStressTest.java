package dev.stator.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Many requests at once over few blocks in a tier that is too small for them. */
class HostTierStressTest {
    private static final int THREADS = 6;
    private static final int REQUESTS = 300;
    private static final int BLOCKS = 4;
    private static final int SEQUENCES = 5;

    @TempDir Path directory;

    @Test
    void requestsThatRaceReadOnlyWhatWasWrittenAndLeaveNothingBehind() throws Exception {
        HostTierOptions options = HostTierOptions.of(directory, 12 * 4096L, 4096, 2);
        List<Sequence> sequences = new ArrayList<>();
        for (int i = 0; i < SEQUENCES; i++) {
            sequences.add(Sequence.of(BlockKey.root("model"), 2, 0, i / 2, i, i, i, i, i, i));
        }
        try (HostTier tier = HostTier.open(options);
                var threads = Executors.newFixedThreadPool(THREADS)) {
            List<Future<?>> done = new ArrayList<>();
            for (int thread = 0; thread < THREADS; thread++) {
                int seed = thread;
                done.add(threads.submit(() -> requests(tier, sequences, new Random(seed))));
            }
            for (Future<?> future : done) {
                future.get();
            }
            tier.checkIntegrity();
            CacheStats stats = tier.stats();
            assertThat(stats.leases() + stats.pinned() + stats.pinnedKeys()).isZero();
            assertThat(stats.claims() + stats.waiters() + stats.writing()).isZero();
            assertThat(stats.stored() - stats.evictions()).isEqualTo(stats.used());
            assertThat(stats.hits()).isPositive();
            assertThat(stats.evictions()).isPositive();
        }
    }

    @Test
    void aBlockThatAllWantAtOnceIsComputedOnce() throws Exception {
        HostTierOptions options = HostTierOptions.of(directory, 200 * 4096L, 4096, 2);
        int rounds = 100;
        AtomicIntegerArray computed = new AtomicIntegerArray(rounds);
        try (HostTier tier = HostTier.open(options);
                var threads = Executors.newFixedThreadPool(THREADS)) {
            List<Future<?>> done = new ArrayList<>();
            for (int thread = 0; thread < THREADS; thread++) {
                done.add(
                        threads.submit(
                                () -> {
                                    for (int round = 0; round < rounds; round++) {
                                        Sequence one =
                                                Sequence.of(
                                                        BlockKey.root("model"), 2, round, round);
                                        int index = round;
                                        request(
                                                tier,
                                                one,
                                                0,
                                                new Claimant("request"),
                                                () -> computed.incrementAndGet(index));
                                    }
                                    return null;
                                }));
            }
            for (Future<?> future : done) {
                future.get();
            }
        }
        for (int round = 0; round < rounds; round++) {
            assertThat(computed.get(round)).isEqualTo(1);
        }
    }

    private static Void requests(HostTier tier, List<Sequence> sequences, Random random)
            throws InterruptedException {
        for (int i = 0; i < REQUESTS; i++) {
            Sequence sequence = sequences.get(random.nextInt(SEQUENCES));
            Claimant who = new Claimant("request");
            boolean crashes = random.nextInt(10) == 0;
            try (PinSet pins = tier.pin(sequence.keys().subList(0, random.nextInt(2)))) {
                assertThat(pins.keys().size()).isLessThan(2);
                int blocks = crashes ? random.nextInt(BLOCKS) : BLOCKS;
                for (int block = 0; block < blocks; block++) {
                    request(tier, sequence, block, who, () -> {});
                }
                if (crashes) {
                    tier.claim(sequence.key(BLOCKS - 1), who);
                }
            } finally {
                tier.release(who);
            }
        }
        return null;
    }

    /** What a worker does for one block: read it, compute it, or wait for who computes it. */
    private static void request(
            HostTier tier, Sequence sequence, int block, Claimant who, Runnable compute)
            throws InterruptedException {
        while (true) {
            Optional<BlockLease> found = sequence.acquire(tier, block);
            if (found.isPresent()) {
                try (BlockLease lease = found.get()) {
                    assertThat(sequence.isIn(lease.rows(), block)).isTrue();
                }
                return;
            }
            switch (tier.claim(sequence.key(block), who)) {
                case PRESENT -> {}
                case MINE -> {
                    compute.run();
                    if (!sequence.store(tier, block, 1_000)) {
                        tier.release(who, sequence.key(block));
                    }
                    return;
                }
                case OTHERS -> {
                    CountDownLatch changed = new CountDownLatch(1);
                    try (Waiting waiting = tier.await(sequence.key(block), changed::countDown)) {
                        changed.await();
                        assertThat(waiting.key()).isEqualTo(sequence.key(block));
                    }
                }
            }
        }
    }
}
