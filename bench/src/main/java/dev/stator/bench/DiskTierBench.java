package dev.stator.bench;

import com.sun.management.OperatingSystemMXBean;
import com.sun.nio.file.ExtendedOpenOption;
import dev.stator.cache.BlockKey;
import dev.stator.cache.HostTier;
import dev.stator.cache.HostTierOptions;
import dev.stator.cache.disk.DiskBlock;
import dev.stator.cache.disk.DiskTier;
import dev.stator.cache.disk.DiskTierOptions;
import dev.stator.cache.disk.Promoter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Writes blocks to the disk tier and brings them back to the host tier, against plain sequential
 * reads and writes of a file of the same bytes in the same folder, past the page cache; then opens
 * what was written.
 */
@Command(
        name = "disk-tier",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Disk tier write and read / sequential file I/O of the same bytes; bar >= 0.8.")
final class DiskTierBench extends Bench {
    private static final Bar BAR = Bar.atLeast(0.8);
    private static final int BLOCK_TOKENS = 32;
    private static final int CHAIN_BLOCKS = 32;
    private static final long RECOMPUTE_MICROS = 250_000;

    /** What the tier writes at once, too. */
    private static final int PIECE_BYTES = 4 << 20;

    /** The tier reads so many blocks at a time. */
    private static final int READERS = 4;

    @Option(
            names = "--block-kib",
            description = "Size of a block in KiB (default: ${DEFAULT-VALUE}, llama-3.2-1b).")
    private int blockKib = 1024;

    @Option(names = "--mib", description = "Bytes of one round (default: ${DEFAULT-VALUE}).")
    private int mib = 1024;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 5;

    @Option(
            names = "--folder",
            description = "On the disk to measure (default: the folder for temporary files).")
    private Optional<Path> folder = Optional.empty();

    /** What one round took. */
    private record Round(
            Spent tierWrite,
            Spent plainWrite,
            Spent tierRead,
            Spent plainRead,
            long open,
            long files) {}

    /** Of the clock, and of all processors together. */
    private record Spent(long nanos, long cpuNanos) {
        static Spent since(Spent start) {
            var now = now();
            return new Spent(now.nanos - start.nanos, now.cpuNanos - start.cpuNanos);
        }

        static Spent now() {
            var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
            return new Spent(System.nanoTime(), system.getProcessCpuTime());
        }
    }

    private record Chain(BlockKey root, int[] tokens, List<BlockKey> keys) {
        static Chain random(Random random) {
            int[] tokens = random.ints((long) CHAIN_BLOCKS * BLOCK_TOKENS, 0, 128_000).toArray();
            var root = BlockKey.root("bench");
            return new Chain(root, tokens, BlockKey.chain(root, tokens, BLOCK_TOKENS));
        }

        BlockKey parent(int block) {
            return block == 0 ? root : keys.get(block - 1);
        }
    }

    @Override
    public Integer call() throws IOException {
        int blockBytes = blockKib << 10;
        int chains = Math.max(1, (int) (((long) mib << 20) / blockBytes / CHAIN_BLOCKS));
        long bytes = (long) chains * CHAIN_BLOCKS * blockBytes;
        var base = folder.orElse(Path.of(System.getProperty("java.io.tmpdir")));
        var place = Files.createTempDirectory(base, "stator-bench-");
        var report =
                report(
                        "disk-tier",
                        BAR,
                        "block %d KiB, %d MiB a round, rounds %d, folder %s"
                                .formatted(blockKib, bytes >> 20, rounds, base));
        var measured = new ArrayList<Round>();
        try {
            for (int i = 0; i < rounds; i++) {
                var round = round(place, chains, blockBytes, bytes);
                measured.add(round);
                report.line(
                        "round %d: write tier %.2f plain %.2f GB/s, read tier %.2f plain %.2f GB/s, open %.1f ms for %.2f GB",
                        i + 1,
                        bytes / (double) round.tierWrite.nanos,
                        bytes / (double) round.plainWrite.nanos,
                        bytes / (double) round.tierRead.nanos,
                        bytes / (double) round.plainRead.nanos,
                        round.open / 1e6,
                        round.files / 1e9);
                report.line(
                        "round %d: processor seconds per GB: write tier %.2f plain %.2f, read tier %.2f plain %.2f",
                        i + 1,
                        round.tierWrite.cpuNanos / (double) bytes,
                        round.plainWrite.cpuNanos / (double) bytes,
                        round.tierRead.cpuNanos / (double) bytes,
                        round.plainRead.cpuNanos / (double) bytes);
            }
        } finally {
            remove(place);
        }
        report.line(
                "open: %.1f ms per GB on disk",
                median(
                        measured.stream()
                                .mapToDouble(r -> r.open / 1e6 / (r.files / 1e9))
                                .toArray()));
        report.ratio(
                "disk-tier.write",
                median(
                        measured.stream()
                                .mapToDouble(r -> r.plainWrite.nanos / (double) r.tierWrite.nanos)
                                .toArray()));
        report.ratio(
                "disk-tier.read",
                median(
                        measured.stream()
                                .mapToDouble(r -> r.plainRead.nanos / (double) r.tierRead.nanos)
                                .toArray()));
        return report.end();
    }

    private static double median(double[] values) {
        return Samples.of(values).median();
    }

    private Round round(Path place, int chainCount, int blockBytes, long bytes) throws IOException {
        var random = new Random(1);
        var chains = IntStream.range(0, chainCount).mapToObj(_ -> Chain.random(random)).toList();
        byte[] content = new byte[blockBytes];
        random.nextBytes(content);
        var rows =
                MemorySegment.ofBuffer(ByteBuffer.allocateDirect(blockBytes).put(content).flip());
        var file = place.resolve("plain");
        var tierFolder = place.resolve("tier");
        var plainWrite = plainWrite(file, bytes);
        var writing = Spent.now();
        try (var tier = open(tierFolder, bytes, blockBytes)) {
            for (var chain : chains) {
                write(tier, chain, rows, blockBytes);
            }
        }
        var tierWrite = Spent.since(writing);
        long files = size(tierFolder);
        long start = System.nanoTime();
        Spent plainRead;
        Spent tierRead;
        long open;
        try (var tier = open(tierFolder, bytes, blockBytes)) {
            open = System.nanoTime() - start;
            plainRead = plainRead(file, bytes, blockBytes);
            tierRead = read(tier, chains, blockBytes, bytes);
        }
        remove(tierFolder);
        Files.delete(file);
        return new Round(tierWrite, plainWrite, tierRead, plainRead, open, files);
    }

    private static DiskTier open(Path folder, long bytes, int blockBytes) {
        return DiskTier.open(
                DiskTierOptions.of(folder, 2 * bytes, blockBytes, BlockKey.root("bench"))
                        .withQueueBytes(2 * bytes));
    }

    private static void write(DiskTier tier, Chain chain, MemorySegment rows, int blockBytes) {
        for (int block = 0; block < CHAIN_BLOCKS; block++) {
            int from = block * BLOCK_TOKENS;
            boolean taken =
                    tier.offer(
                            new DiskBlock(
                                    chain.keys.get(block),
                                    chain.parent(block),
                                    from,
                                    BLOCK_TOKENS,
                                    blockBytes,
                                    RECOMPUTE_MICROS),
                            Arrays.copyOfRange(chain.tokens, from, from + BLOCK_TOKENS),
                            rows,
                            () -> {});
            if (!taken) {
                throw new BenchException("the tier refused a block");
            }
        }
    }

    /** Until all chains are in a host tier whose memory has been touched before. */
    private static Spent read(DiskTier disk, List<Chain> chains, int blockBytes, long bytes) {
        try (var host =
                HostTier.open(
                        HostTierOptions.of(memoryFolder(), bytes, blockBytes, BLOCK_TOKENS))) {
            touch(host, chains.size(), blockBytes);
            try (var promoter = new Promoter(host, disk)) {
                var start = Spent.now();
                for (var chain : chains) {
                    bring(promoter, chain);
                }
                return Spent.since(start);
            }
        }
    }

    /** Gives every slot of the tier its space. */
    private static void touch(HostTier host, int chains, int blockBytes) {
        var random = new Random(2);
        for (int i = 0; i < chains; i++) {
            var chain = Chain.random(random);
            for (int block = 0; block < CHAIN_BLOCKS; block++) {
                int from = block * BLOCK_TOKENS;
                try (var reservation =
                        host.reserve(
                                        chain.keys.get(block),
                                        chain.parent(block),
                                        chain.tokens,
                                        from,
                                        from + BLOCK_TOKENS,
                                        1)
                                .orElseThrow()) {
                    reservation.rows().asSlice(0, blockBytes).fill((byte) 1);
                    reservation.commit();
                }
            }
        }
    }

    private static void bring(Promoter promoter, Chain chain) {
        var ended = new CountDownLatch(1);
        var prompt =
                new Promoter.Prompt(
                        chain.root, chain.keys, chain.tokens, chain.tokens.length, BLOCK_TOKENS);
        promoter.promote(
                prompt,
                new Promoter.Listener() {
                    @Override
                    public void promoted(int tokens) {}

                    @Override
                    public void ended(int tokens, long nanos) {
                        if (tokens == chain.tokens.length) {
                            ended.countDown();
                        }
                    }
                });
        try {
            if (!ended.await(60, TimeUnit.SECONDS)) {
                throw new BenchException("the disk tier lost a block");
            }
        } catch (InterruptedException e) {
            throw new BenchException("interrupted");
        }
    }

    /** Past the page cache, in pieces like the tier's, and durable at the end like it. */
    private static Spent plainWrite(Path file, long bytes) throws IOException {
        var piece = aligned(PIECE_BYTES);
        var start = Spent.now();
        try (var channel = channel(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (long at = 0; at < bytes; at += PIECE_BYTES) {
                channel.write(piece.clear(), at);
            }
            channel.force(false);
        }
        return Spent.since(start);
    }

    /** In pieces of a block, as many at a time as the tier reads. */
    private static Spent plainRead(Path file, long bytes, int blockBytes) throws IOException {
        var start = Spent.now();
        try (var channel = channel(file, StandardOpenOption.READ)) {
            var threads = new ArrayList<Thread>();
            for (int i = 0; i < READERS; i++) {
                long first = (long) i * blockBytes;
                threads.add(
                        Thread.ofPlatform()
                                .start(() -> readEach(channel, first, bytes, blockBytes)));
            }
            for (var thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            throw new BenchException("interrupted");
        }
        return Spent.since(start);
    }

    private static void readEach(FileChannel channel, long first, long bytes, int blockBytes) {
        var piece = aligned(blockBytes);
        try {
            for (long at = first; at < bytes; at += (long) READERS * blockBytes) {
                channel.read(piece.clear(), at);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ByteBuffer aligned(int bytes) {
        return ByteBuffer.allocateDirect(bytes + 4096).alignedSlice(4096).limit(bytes).slice();
    }

    private static FileChannel channel(Path file, OpenOption... how) throws IOException {
        var options = new ArrayList<>(List.of(how));
        options.add(ExtendedOpenOption.DIRECT);
        try {
            return FileChannel.open(file, Set.copyOf(options));
        } catch (UnsupportedOperationException e) {
            throw new BenchException(
                    "%s takes no direct I/O: name another --folder".formatted(file));
        }
    }

    private static long size(Path folder) throws IOException {
        long bytes = 0;
        try (var files = Files.list(folder)) {
            for (var file : files.toList()) {
                bytes += Files.size(file);
            }
        }
        return bytes;
    }

    static void remove(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
