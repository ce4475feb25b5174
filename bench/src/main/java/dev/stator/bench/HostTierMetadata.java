package dev.stator.bench;

import dev.stator.cache.BlockKey;
import dev.stator.cache.HostTier;
import dev.stator.cache.HostTierOptions;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the host tier's bookkeeping costs: operations a second, and memory for each block.
 *
 * <p>Metadata is what the heap holds more once a tier is full: keys, links, uses, the order of
 * eviction. Token ids are content and lie with the rows in the tier's file; what that file has
 * beside rows is a figure of its own. So is the history of evicted blocks, four for each slot,
 * which is full after as many evictions.
 */
final class HostTierMetadata {
    private static final int BLOCKS = 1 << 15;
    private static final int BLOCK_TOKENS = 32;
    private static final int CHAIN_BLOCKS = 32;
    private static final int SLOT_BYTES = 4096;
    private static final int THREADS = 2;
    private static final Bar HEAP_BYTES = Bar.atMost(64);
    private static final Bar OPERATIONS = Bar.atLeast(2_000_000);

    /** Evicted blocks that a tier remembers for each slot, and some that have been forgotten. */
    private static final int HISTORY = 5;

    private static final long RUN_NANOS = 2_000_000_000L;

    private record Chain(int[] tokens, List<BlockKey> keys) {}

    private HostTierMetadata() {}

    static void measure(Report report, Path folder) {
        // What the first tier of a process leaves on the heap is not its blocks'.
        try (var tier = open(folder, 2 * CHAIN_BLOCKS)) {
            store(tier, chain(0, CHAIN_BLOCKS));
        }
        long before = heap();
        try (var tier = open(folder, BLOCKS)) {
            for (int c = 0; c < BLOCKS / CHAIN_BLOCKS; c++) {
                store(tier, chain(c, CHAIN_BLOCKS));
            }
            report.bounded("host-tier.heap-bytes-per-block", perBlock(before), HEAP_BYTES);
            report.extra("host-tier.token-bytes-per-block", fileBytes(tier));
            report.bounded("host-tier.lookups-and-pins-per-second", operations(tier), OPERATIONS);
        }
        measureSingles(report, folder);
    }

    /** Each block a sequence of its own, so that all may be evicted: the most metadata. */
    private static void measureSingles(Report report, Path folder) {
        long before = heap();
        try (var tier = open(folder, BLOCKS)) {
            for (int c = 0; c < BLOCKS; c++) {
                store(tier, chain(c, 1));
            }
            double present = perBlock(before);
            report.bounded("host-tier.heap-bytes-per-single-block", present, HEAP_BYTES);
            for (int c = BLOCKS; c < (1 + HISTORY) * BLOCKS; c++) {
                store(tier, chain(c, 1));
            }
            report.extra("host-tier.heap-bytes-of-history-per-block", perBlock(before) - present);
        }
    }

    private static HostTier open(Path folder, int blocks) {
        return HostTier.open(
                HostTierOptions.of(folder, (long) blocks * SLOT_BYTES, SLOT_BYTES, BLOCK_TOKENS));
    }

    private static double perBlock(long before) {
        return (heap() - before) / (double) BLOCKS;
    }

    /** Of the tier's file, without rows. */
    private static double fileBytes(HostTier tier) {
        try {
            return (Files.size(tier.file()) - tier.stats().capacityBytes()) / (double) BLOCKS;
        } catch (IOException e) {
            throw new BenchException("the size of the tier's file cannot be read", e);
        }
    }

    private static Chain chain(int number, int blocks) {
        int[] tokens = new Random(number).ints((long) blocks * BLOCK_TOKENS, 0, 128_000).toArray();
        return new Chain(tokens, BlockKey.chain(BlockKey.root("bench"), tokens, BLOCK_TOKENS));
    }

    private static void store(HostTier tier, Chain chain) {
        for (int block = 0; block < chain.keys.size(); block++) {
            int from = block * BLOCK_TOKENS;
            var parent = block == 0 ? BlockKey.root("bench") : chain.keys.get(block - 1);
            try (var reservation =
                    tier.reserve(
                                    chain.keys.get(block),
                                    parent,
                                    chain.tokens,
                                    from,
                                    from + BLOCK_TOKENS,
                                    1_000)
                            .orElseThrow(() -> new BenchException("the tier refused a block"))) {
                reservation.commit();
            }
        }
    }

    /** Blocks looked up and leased, and keys pinned and let go, by all threads together. */
    private static double operations(HostTier tier) {
        var chains = new ArrayList<Chain>();
        for (int c = 0; c < 64; c++) {
            chains.add(chain(c, CHAIN_BLOCKS));
        }
        var done = new AtomicLong();
        var ended = new CountDownLatch(THREADS);
        long start = System.nanoTime();
        for (int t = 0; t < THREADS; t++) {
            var random = new Random(t);
            Thread.ofPlatform()
                    .start(
                            () -> {
                                while (System.nanoTime() - start < RUN_NANOS) {
                                    use(tier, chains.get(random.nextInt(chains.size())));
                                    done.addAndGet(2L * CHAIN_BLOCKS);
                                }
                                ended.countDown();
                            });
        }
        try {
            ended.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted");
        }
        return done.get() * 1e9 / (System.nanoTime() - start);
    }

    private static void use(HostTier tier, Chain chain) {
        try (var _ = tier.pin(chain.keys)) {
            for (int block = 0; block < CHAIN_BLOCKS; block++) {
                int from = block * BLOCK_TOKENS;
                tier.acquire(chain.keys.get(block), chain.tokens, from, from + BLOCK_TOKENS)
                        .orElseThrow(() -> new BenchException("the tier lost a block"))
                        .close();
            }
        }
    }

    private static long heap() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }
}
