package dev.stator.bench;

import dev.stator.cache.chunk.Chunker;
import dev.stator.cache.chunk.PassageIndex;
import dev.stator.cache.chunk.TextBounds;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How fast prompts are cut into chunks by their content, against a sum over the same token ids; and
 * how many passages are found that two prompts have in common, whose client declares nothing.
 */
@Command(
        name = "chunking",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Chunking, tokens/s on one core / 50 M, and passages of 64 tokens and more that are found / 99 %%; bars >= 1.")
final class ChunkingBench extends Bench {
    private static final double TOKENS_PER_SECOND = 50e6;
    private static final double LEAST_FOUND = 0.99;
    private static final int VOCABULARY = 128_000;
    private static final int PROMPT_PASSAGES = 8;

    /** Tokens at the seams that need not be found. */
    private static final int SEAM = 4;

    private static final List<Integer> LENGTHS = List.of(48, 56, 64, 80, 96, 128, 256, 512);

    @Option(names = "--tokens", description = "Default: ${DEFAULT-VALUE}.")
    private int tokens = 4_000_000;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}, half of them unused.")
    private int rounds = 20;

    @Option(names = "--passages", description = "Of each length; default: ${DEFAULT-VALUE}.")
    private int passages = 2_000;

    @Option(names = "--seed", description = "Default: ${DEFAULT-VALUE}.")
    private long seed = 1;

    @Override
    public Integer call() {
        var report =
                report(
                        "chunking",
                        Bar.atLeast(1),
                        "%,d tokens, rounds %d, %,d passages of each length, seed %d"
                                .formatted(tokens, rounds, passages, seed));
        speed(report);
        var random = new Random(seed);
        for (int length : LENGTHS) {
            double found = found(length, random);
            report.line("passages of %d tokens: %.2f %% found", length, 100 * found);
            if (length >= 64) {
                report.ratio("chunking.found.%d".formatted(length), found / LEAST_FOUND);
            }
        }
        return report.end();
    }

    private void speed(Report report) {
        int[] text = text(new Random(seed), tokens);
        var rates = new ArrayList<Double>();
        var ratios = new ArrayList<Double>();
        long kept = 0;
        var thread = ManagementFactory.getThreadMXBean();
        for (int i = 0; i < rounds; i++) {
            long start = thread.getCurrentThreadCpuTime();
            kept += Arrays.stream(text).asLongStream().sum();
            long summed = thread.getCurrentThreadCpuTime();
            var chunks = new Count();
            Chunker.cut(text, 0, tokens, i, chunks);
            long cut = thread.getCurrentThreadCpuTime();
            kept ^= chunks.keys;
            // The first half is for the compiler. Times are the thread's own, as of one core.
            if (i >= rounds / 2) {
                double rate = tokens / ((cut - summed) / 1e9);
                rates.add(rate);
                ratios.add((cut - summed) / (double) Math.max(1, summed - start));
                report.line(
                        "round %d: %.1f M tokens/s, %.1f tokens a chunk; sum %.1f M tokens/s",
                        i + 1,
                        rate / 1e6,
                        tokens / (double) chunks.number,
                        tokens / (Math.max(1, summed - start) / 1e9) / 1e6);
            }
        }
        report.line("keys %x", kept);
        report.extra("chunking.time-of-sum", Samples.of(ratios).median());
        report.ratio("chunking.rate", Samples.of(rates).median() / TOKENS_PER_SECOND);
    }

    private static final class Count implements Chunker.Chunks {
        private long number;
        private long keys;

        @Override
        public void chunk(int from, int to, long key) {
            number++;
            keys ^= key;
        }
    }

    /** The part of passages that the second prompt which has them finds. */
    private double found(int length, Random random) {
        var index = new PassageIndex(64L << 20, seed, TextBounds.UNKNOWN);
        int found = 0;
        int planted = 0;
        while (planted < passages) {
            var set = new ArrayList<int[]>();
            for (int i = 0; i < PROMPT_PASSAGES; i++) {
                set.add(text(random, length));
            }
            index.see("", prompt(set, random, new ArrayList<>()), 0);
            Collections.shuffle(set, random);
            var begins = new ArrayList<Integer>();
            var seen = index.see("", prompt(set, random, begins), 0);
            for (int from : begins) {
                found +=
                        seen.stream()
                                        .anyMatch(
                                                each ->
                                                        each.from() <= from + SEAM
                                                                && each.to()
                                                                        >= from + length - SEAM)
                                ? 1
                                : 0;
            }
            planted += PROMPT_PASSAGES;
        }
        return found / (double) planted;
    }

    /** Passages in surroundings that no other prompt has. */
    private static int[] prompt(List<int[]> set, Random random, List<Integer> begins) {
        var parts = new ArrayList<int[]>();
        int size = 0;
        for (int[] passage : set) {
            int[] before = text(random, 20 + random.nextInt(200));
            size += before.length;
            begins.add(size);
            size += passage.length;
            parts.add(before);
            parts.add(passage);
        }
        parts.add(text(random, 60));
        return Prompts.joined(parts.toArray(int[][]::new));
    }

    /** Few words are most of a text: the ranks of words as in Zipf's law. */
    private static int[] text(Random random, int length) {
        int[] text = new int[length];
        for (int i = 0; i < length; i++) {
            text[i] = (int) Math.pow(VOCABULARY, random.nextDouble());
        }
        return text;
    }
}
