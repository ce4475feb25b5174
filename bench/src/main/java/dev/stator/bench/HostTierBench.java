package dev.stator.bench;

import dev.stator.cache.BlockKey;
import dev.stator.cache.HostTier;
import dev.stator.cache.HostTierOptions;
import dev.stator.cache.PinSet;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Writes blocks into the host tier and reads them back, against {@link MemorySegment#copy} of the
 * same bytes in the same pieces between plain memory.
 *
 * <p>The tier is full from the first round on, so each write evicts. Both targets have been touched
 * before, and tier and reference take turns every few blocks.
 */
@Command(
        name = "host-tier",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Host tier write and read / memcpy of the same bytes; bar >= 0.8.")
final class HostTierBench extends Bench {
    private static final Bar BAR = Bar.atLeast(0.8);
    private static final int BLOCK_TOKENS = 32;

    /** Blocks of one conversation; tier and reference take turns after each. */
    private static final int CHAIN_BLOCKS = 32;

    private static final long RECOMPUTE_MICROS = 250_000;

    @Option(
            names = "--block-kib",
            description = "Size of a block in KiB (default: ${DEFAULT-VALUE}, llama-3.2-1b).")
    private int blockKib = 1024;

    @Option(
            names = "--mib",
            description =
                    "Working set of the tier and of the reference (default: ${DEFAULT-VALUE}).")
    private int mib = 1024;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 9;

    @Option(
            names = "--folder",
            description = "Where the tier's file is (default: /dev/shm where there is one).")
    private Optional<Path> folder = Optional.empty();

    /** One conversation's blocks. */
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

    /** Nanoseconds of one round. */
    private static final class Round {
        long tierWrite;
        long plainWrite;
        long tierRead;
        long plainRead;
    }

    @Override
    public Integer call() {
        int blockBytes = blockKib << 10;
        int chains = Math.max(1, (int) (((long) mib << 20) / blockBytes / CHAIN_BLOCKS));
        long bytes = (long) chains * CHAIN_BLOCKS * blockBytes;
        var where = folder.orElseGet(Bench::memoryFolder);
        var report =
                report(
                        "host-tier",
                        BAR,
                        "block %d KiB, working set %d MiB, rounds %d, folder %s"
                                .formatted(blockKib, bytes >> 20, rounds, where));
        var random = new Random(1);
        var ratios = new ArrayList<Round>();
        try (var arena = Arena.ofShared();
                var tier =
                        HostTier.open(HostTierOptions.of(where, bytes, blockBytes, BLOCK_TOKENS))) {
            var memory =
                    new Memory(
                            arena.allocate(bytes, 4096),
                            arena.allocate(bytes, 4096),
                            arena.allocate(bytes, 4096));
            memory.touch();
            // Fills the tier: its slots get their space on the file system.
            var fresh = round(tier, memory, chains, blockBytes, random);
            report.line(
                    "first use of the slots: write %.2f GB/s", bytes / (double) fresh.tierWrite);
            for (int i = 0; i < rounds; i++) {
                var round = round(tier, memory, chains, blockBytes, random);
                ratios.add(round);
                report.line(
                        "round %d: write tier %.2f memcpy %.2f GB/s, read tier %.2f memcpy %.2f GB/s",
                        i + 1,
                        bytes / (double) round.tierWrite,
                        bytes / (double) round.plainWrite,
                        bytes / (double) round.tierRead,
                        bytes / (double) round.plainRead);
            }
        }
        report.ratio(
                "host-tier.write",
                Samples.of(
                                ratios.stream()
                                        .mapToDouble(r -> r.plainWrite / (double) r.tierWrite)
                                        .toArray())
                        .median());
        report.ratio(
                "host-tier.read",
                Samples.of(
                                ratios.stream()
                                        .mapToDouble(r -> r.plainRead / (double) r.tierRead)
                                        .toArray())
                        .median());
        HostTierMetadata.measure(report, where);
        return report.end();
    }

    /**
     * @param rows what is written
     * @param plain the reference's counterpart of the tier
     * @param sink what is read into
     */
    private record Memory(MemorySegment rows, MemorySegment plain, MemorySegment sink) {
        void touch() {
            rows.fill((byte) 1);
            plain.fill((byte) 2);
            sink.fill((byte) 3);
        }
    }

    private static Round round(
            HostTier tier, Memory memory, int chains, int blockBytes, Random random) {
        var round = new Round();
        var written = new ArrayList<Chain>();
        var pins = new ArrayList<PinSet>();
        for (int c = 0; c < chains; c++) {
            var chain = Chain.random(random);
            written.add(chain);
            // As a request's blocks are, so that the round before makes room and not this one.
            pins.add(tier.pin(chain.keys));
        }
        for (int c = 0; c < chains; c++) {
            long at = (long) c * CHAIN_BLOCKS * blockBytes;
            // Who goes first reads rows that are not in the processor's cache.
            for (int turn = 0; turn < 2; turn++) {
                long start = System.nanoTime();
                if ((turn + c) % 2 == 0) {
                    writeTier(tier, written.get(c), memory.rows, at, blockBytes);
                    round.tierWrite += System.nanoTime() - start;
                } else {
                    copy(memory.rows, memory.plain, at, blockBytes);
                    round.plainWrite += System.nanoTime() - start;
                }
            }
        }
        for (int c = 0; c < chains; c++) {
            long at = (long) c * CHAIN_BLOCKS * blockBytes;
            for (int turn = 0; turn < 2; turn++) {
                long start = System.nanoTime();
                if ((turn + c) % 2 == 0) {
                    readTier(tier, written.get(c), memory.sink, at, blockBytes);
                    round.tierRead += System.nanoTime() - start;
                } else {
                    copy(memory.plain, memory.sink, at, blockBytes);
                    round.plainRead += System.nanoTime() - start;
                }
            }
        }
        pins.forEach(PinSet::close);
        return round;
    }

    private static void writeTier(
            HostTier tier, Chain chain, MemorySegment rows, long at, int blockBytes) {
        for (int block = 0; block < CHAIN_BLOCKS; block++) {
            int from = block * BLOCK_TOKENS;
            try (var reservation =
                    tier.reserve(
                                    chain.keys.get(block),
                                    chain.parent(block),
                                    chain.tokens,
                                    from,
                                    from + BLOCK_TOKENS,
                                    RECOMPUTE_MICROS)
                            .orElseThrow(() -> new BenchException("the tier refused a block"))) {
                MemorySegment.copy(
                        rows, at + (long) block * blockBytes, reservation.rows(), 0, blockBytes);
                reservation.commit();
            }
        }
    }

    private static void readTier(
            HostTier tier, Chain chain, MemorySegment sink, long at, int blockBytes) {
        for (int block = 0; block < CHAIN_BLOCKS; block++) {
            int from = block * BLOCK_TOKENS;
            try (var lease =
                    tier.acquire(chain.keys.get(block), chain.tokens, from, from + BLOCK_TOKENS)
                            .orElseThrow(() -> new BenchException("the tier lost a block"))) {
                MemorySegment.copy(
                        lease.rows(), 0, sink, at + (long) block * blockBytes, blockBytes);
            }
        }
    }

    private static void copy(MemorySegment source, MemorySegment target, long at, int blockBytes) {
        for (int block = 0; block < CHAIN_BLOCKS; block++) {
            long offset = at + (long) block * blockBytes;
            MemorySegment.copy(source, offset, target, offset, blockBytes);
        }
    }
}
