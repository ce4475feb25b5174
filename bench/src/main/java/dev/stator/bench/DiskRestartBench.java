package dev.stator.bench;

import dev.stator.cache.BlockKey;
import dev.stator.cache.disk.DiskBlock;
import dev.stator.cache.disk.DiskTier;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * From the start of a process to the first blocks that it has from a large disk tier: the JVM's
 * start, opening the tier, and a conversation's blocks in the host tier. The page cache takes no
 * part, where the file system knows direct I/O.
 */
@Command(
        name = "disk-restart",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Seconds from process start to first hit, 20 GB on disk; bar <= 2.")
final class DiskRestartBench extends Bench {
    private static final Bar BAR = Bar.atMost(2);
    private static final long MOST_QUEUED = 64L << 20;

    @Option(names = "--gb", description = "Blocks on disk (default: ${DEFAULT-VALUE}).")
    private int gigabytes = 20;

    @Option(
            names = "--block-kib",
            description = "Size of a block in KiB (default: ${DEFAULT-VALUE}, llama-3.2-1b).")
    private int blockKib = 1024;

    @Option(names = "--rounds", description = "Starts (default: ${DEFAULT-VALUE}).")
    private int rounds = 5;

    @Option(
            names = "--folder",
            description = "On the disk to measure (default: the folder for temporary files).")
    private Optional<Path> folder = Optional.empty();

    @Override
    public Integer call() throws IOException {
        int blockBytes = blockKib << 10;
        int chains =
                (int) (gigabytes * 1_000_000_000L / blockBytes / DiskRestartProcess.CHAIN_BLOCKS);
        var base = folder.orElse(Path.of(System.getProperty("java.io.tmpdir")));
        var place = Files.createTempDirectory(base, "stator-bench-");
        var report =
                report(
                        "disk-restart",
                        BAR,
                        "%d GB in blocks of %d KiB, rounds %d, folder %s"
                                .formatted(gigabytes, blockKib, rounds, base));
        try {
            long start = System.nanoTime();
            fill(place, chains, blockBytes);
            report.line("filled in %.0f s", (System.nanoTime() - start) / 1e9);
            var seconds = new ArrayList<Double>();
            for (int round = 1; round <= rounds; round++) {
                seconds.add(start(report, round, place, chains, blockBytes));
            }
            report.ratio("disk-restart.seconds", Samples.of(seconds).median());
        } finally {
            DiskTierBench.remove(place);
        }
        return report.end();
    }

    private static double start(Report report, int round, Path place, int chains, int blockBytes) {
        long start = System.nanoTime();
        try (var child =
                Child.java(
                        "the restarted process",
                        DiskRestartProcess.class,
                        place.toString(),
                        Integer.toString(blockBytes),
                        Integer.toString(round * 7919 % chains))) {
            var opened = child.expect("opened ");
            double open = (System.nanoTime() - start) / 1e9;
            child.expect("hit");
            double hit = (System.nanoTime() - start) / 1e9;
            report.line(
                    "round %d: open %.3f s (%s), first conversation of %d MiB in the host tier %.3f s",
                    round,
                    open,
                    opened,
                    (DiskRestartProcess.CHAIN_BLOCKS * (long) blockBytes) >> 20,
                    hit);
            return hit;
        }
    }

    private static void fill(Path place, int chains, int blockBytes) {
        byte[] content = new byte[blockBytes];
        new Random(1).nextBytes(content);
        var rows =
                MemorySegment.ofBuffer(ByteBuffer.allocateDirect(blockBytes).put(content).flip());
        try (var tier =
                DiskTier.open(
                        DiskRestartProcess.options(place, blockBytes)
                                .withQueueBytes(MOST_QUEUED))) {
            for (int i = 0; i < chains; i++) {
                write(tier, i, rows, blockBytes);
            }
            tier.awaitWritten();
            if (tier.stats().blocks() != chains * DiskRestartProcess.CHAIN_BLOCKS) {
                throw new BenchException("the tier did not keep all blocks");
            }
        }
    }

    private static void write(DiskTier tier, int chain, MemorySegment rows, int blockBytes) {
        int size = DiskRestartProcess.BLOCK_TOKENS;
        int[] tokens = DiskRestartProcess.tokens(chain);
        var keys = BlockKey.chain(DiskRestartProcess.ROOT, tokens, size);
        for (int block = 0; block < keys.size(); block++) {
            var parent = block == 0 ? DiskRestartProcess.ROOT : keys.get(block - 1);
            int from = block * size;
            var description =
                    new DiskBlock(keys.get(block), parent, from, size, blockBytes, 250_000);
            int[] its = Arrays.copyOfRange(tokens, from, from + size);
            if (!tier.offer(description, its, rows, () -> {})) {
                tier.awaitWritten();
                tier.offer(description, its, rows, () -> {});
            }
        }
    }
}
