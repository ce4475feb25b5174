package dev.stator.bench;

import dev.stator.engine.KvShape;
import dev.stator.engine.llama.KvPlacing;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Makes of blocks, as a cache keeps them, what the engine takes, with K rotated to another
 * position; against {@link MemorySegment#copy} of the same blocks to the same memory.
 */
@Command(
        name = "rotate",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Placing KV at another position / memcpy of the same bytes; bar <= 2.")
final class RotateBench extends Bench {
    private static final Bar BAR = Bar.atMost(2);
    private static final int BLOCK_TOKENS = 32;

    /** As many as the engine's context takes at once. */
    private static final int SLICE_TOKENS = 512;

    /** Llama 3.2 1B: 8 KV heads of 64 elements of f16. */
    private static final int LAYERS = 16;

    private static final int ROW_BYTES = 1024;
    private static final int HEAD_LENGTH = 64;

    @Option(names = "--tokens", description = "Default: ${DEFAULT-VALUE}.")
    private int tokens = 4096;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}, half of them unused.")
    private int rounds = 40;

    /** Nanoseconds of one round. */
    private record Round(long copied, long placed, long moved) {}

    private record Memory(List<MemorySegment> blocks, MemorySegment target) {}

    @Override
    public Integer call() {
        var shape =
                new KvShape(
                        "f16",
                        Collections.nCopies(LAYERS, new KvShape.Layer(ROW_BYTES, ROW_BYTES)));
        long bytes = (long) tokens * shape.bytesPerToken();
        var report =
                report(
                        "rotate",
                        BAR,
                        "%d tokens, %d MiB, blocks of %d tokens, rounds %d"
                                .formatted(tokens, bytes >> 20, BLOCK_TOKENS, rounds));
        var measured = new ArrayList<Round>();
        try (var arena = Arena.ofConfined()) {
            var placing = new KvPlacing(shape, HEAD_LENGTH);
            var memory =
                    new Memory(
                            blocks(arena, shape.bytesPerToken()),
                            arena.allocate(placing.bytes(SLICE_TOKENS)));
            memory.target.fill((byte) 1);
            for (int i = 0; i < rounds; i++) {
                var round = round(placing, memory, i);
                // The first half is for the compiler.
                if (i >= rounds / 2) {
                    measured.add(round);
                    report.line(
                            "round %d: memcpy %.2f, placed %.2f, placed and rotated %.2f GB/s",
                            i + 1,
                            bytes / (double) round.copied,
                            bytes / (double) round.placed,
                            bytes / (double) round.moved);
                }
            }
        }
        report.extra(
                "rotate.unmoved",
                median(measured.stream().map(r -> r.placed / (double) r.copied).toList()));
        report.ratio(
                "rotate.moved",
                median(measured.stream().map(r -> r.moved / (double) r.copied).toList()));
        return report.end();
    }

    private List<MemorySegment> blocks(Arena arena, int bytesPerToken) {
        var random = new Random(1);
        var block = new short[BLOCK_TOKENS * bytesPerToken / 2];
        for (int i = 0; i < block.length; i++) {
            block[i] = Float.floatToFloat16((float) random.nextGaussian());
        }
        var blocks = new ArrayList<MemorySegment>();
        for (int i = 0; i < tokens / BLOCK_TOKENS; i++) {
            var rows = arena.allocate(2L * block.length, 4096);
            blocks.add(rows.copyFrom(MemorySegment.ofArray(block)));
        }
        return blocks;
    }

    /**
     * Who goes first changes; what the one before has read is no longer in the processor's cache.
     */
    private static Round round(KvPlacing placing, Memory memory, int number) {
        long[] nanos = new long[3];
        for (int turn = 0; turn < 3; turn++) {
            int what = (turn + number) % 3;
            long start = System.nanoTime();
            pass(placing, memory, what, 1000 + number);
            nanos[what] = System.nanoTime() - start;
        }
        return new Round(nanos[0], nanos[1], nanos[2]);
    }

    private static void pass(KvPlacing placing, Memory memory, int what, int movedBy) {
        int perSlice = SLICE_TOKENS / BLOCK_TOKENS;
        for (int from = 0; from < memory.blocks.size(); from += perSlice) {
            int to = Math.min(from + perSlice, memory.blocks.size());
            var blocks = memory.blocks.subList(from, to);
            switch (what) {
                case 0 -> copy(blocks, memory.target);
                case 1 -> placing.place(memory.target, blocks, BLOCK_TOKENS, 0);
                default -> placing.place(memory.target, blocks, BLOCK_TOKENS, movedBy);
            }
        }
    }

    private static void copy(List<MemorySegment> blocks, MemorySegment target) {
        long at = 0;
        for (var block : blocks) {
            MemorySegment.copy(block, 0, target, at, block.byteSize());
            at += block.byteSize();
        }
    }

    private static double median(List<Double> ratios) {
        return Samples.of(ratios).median();
    }
}
