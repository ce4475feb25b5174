package dev.stator.bench;

import dev.stator.api.documents.DocumentOrder;
import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockLedger;
import dev.stator.cache.Eviction;
import dev.stator.sim.trace.RagPrompt;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What part of a retrieval service's prompt tokens is served from the cache, by reuse mode, against
 * what is known to be possible on the trace.
 */
@Command(
        name = "documents",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "RAGPulse's prompts through the real order of documents and the real cache policy: prompt",
            "tokens served ÷ the trace's bound, unlimited and at 25 % of the working set; bars >= 0.97, >= 0.85."
        })
final class DocumentsBench extends Bench {
    private static final int BLOCK_TOKENS = 32;
    private static final int REMEMBERED = 65_536;
    private static final int UNLIMITED = 4_000_000;

    /** Of RAGPulse's prompt tokens, with an infinite cache that keeps single tokens. */
    private static final double EXACT_BOUND = 0.315;

    private static final double REORDERED_BOUND = 0.439;
    private static final double SPLICED_BOUND = 0.703;

    @Option(names = "--trace", required = true, description = "RAGPulse's 0_trace.jsonl.")
    private Path trace = Path.of("");

    /** The order of a prompt's parts. */
    private interface Assembly {
        List<RagPrompt.Part> parts(RagPrompt prompt);
    }

    @Override
    public Integer call() {
        var prompts = RagPrompt.ofRagPulse(trace);
        var report =
                report(
                        "documents",
                        Bar.atLeast(0.85),
                        "%s, %,d prompts, blocks of %d tokens"
                                .formatted(trace.getFileName(), prompts.size(), BLOCK_TOKENS));
        var order = new DocumentOrder(REMEMBERED);
        compare(report, "exact", EXACT_BOUND, prompts, DocumentsBench::asLogged);
        compare(report, "volatile-last", 0, prompts, prompt -> behind(prompt, prompt.passages()));
        compare(
                report,
                "exact-reorder",
                REORDERED_BOUND,
                prompts,
                prompt -> behind(prompt, arranged(order, prompt)));
        spliced(report, "spliced", true, prompts);
        spliced(report, "plain", false, prompts);
        return report.end();
    }

    /** Where nothing is declared, a passage is known only when it comes again: that has no bar. */
    private static void spliced(
            Report report, String mode, boolean declared, List<RagPrompt> prompts) {
        var replay = new SplicedReplay(prompts, declared);
        int blocks = 0;
        for (var size : List.of("unlimited", "quarter")) {
            int slots = blocks == 0 ? UNLIMITED : blocks / 4;
            var outcome = replay.run(slots);
            blocks = outcome.blocks();
            var figure = mode + "-" + size;
            report.line(
                    "%s: %.1f %% of %,d tokens, %,d blocks",
                    figure, outcome.part() * 100, outcome.tokens(), Math.min(slots, blocks));
            double ratio = outcome.part() / SPLICED_BOUND;
            if (declared) {
                report.ratio("documents." + figure, ratio);
            } else {
                report.extra("documents." + figure, ratio);
            }
        }
    }

    private static void compare(
            Report report, String mode, double bound, List<RagPrompt> prompts, Assembly assembly) {
        var chains = prompts.stream().map(prompt -> blocks(assembly.parts(prompt))).toList();
        var all = new HashSet<BlockKey>();
        chains.forEach(chain -> all.addAll(Arrays.asList(chain.keys())));
        served(report, mode + "-unlimited", bound, chains, all.size() + 1);
        served(report, mode + "-quarter", bound, chains, all.size() / 4);
    }

    private static void served(
            Report report, String figure, double bound, List<Chain> chains, int blocks) {
        var cache = new BlockLedger(blocks, Eviction.BY_REUSE, _ -> {});
        long served = 0;
        long tokens = 0;
        for (var chain : chains) {
            tokens += chain.tokens();
            served += (long) BLOCK_TOKENS * run(cache, chain.keys());
        }
        double part = (double) served / tokens;
        report.line("%s: %.1f %% of %,d tokens, %,d blocks", figure, part * 100, tokens, blocks);
        if (bound > 0) {
            report.ratio("documents." + figure, part / bound);
        }
    }

    /** Uses what is there, then stores what is not. */
    private static int run(BlockLedger cache, BlockKey[] keys) {
        int present = 0;
        while (present < keys.length && cache.lease(keys[present])) {
            present++;
        }
        var parent = Optional.<BlockKey>empty();
        for (var key : keys) {
            cache.store(key, parent, 1);
            parent = Optional.of(key);
        }
        for (int i = 0; i < present; i++) {
            cache.unlease(keys[i]);
        }
        return present;
    }

    private static List<RagPrompt.Part> asLogged(RagPrompt prompt) {
        return Stream.of(prompt.system(), prompt.passages(), prompt.rest())
                .flatMap(List::stream)
                .toList();
    }

    /** The last part of the system prompt, which nearly every prompt has for itself, goes last. */
    private static List<RagPrompt.Part> behind(RagPrompt prompt, List<RagPrompt.Part> passages) {
        int fixed = Math.min(2, prompt.system().size());
        return Stream.of(
                        prompt.system().subList(0, fixed),
                        passages,
                        prompt.system().subList(fixed, prompt.system().size()),
                        prompt.rest())
                .flatMap(List::stream)
                .toList();
    }

    private static List<RagPrompt.Part> arranged(DocumentOrder order, RagPrompt prompt) {
        var set = prompt.passages().stream().distinct().toList();
        var items =
                set.stream().map(part -> new DocumentOrder.Item(part.id(), part.tokens())).toList();
        long head = prompt.system().stream().limit(2).toList().hashCode();
        return Arrays.stream(order.arrange(head, items)).mapToObj(set::get).toList();
    }

    private record Chain(BlockKey[] keys, int tokens) {}

    private static Chain blocks(List<RagPrompt.Part> parts) {
        var keys = new ArrayList<BlockKey>();
        long parent = 0;
        int filled = 0;
        int tokens = 0;
        for (var part : parts) {
            tokens += part.tokens();
            for (int from = 0; from < part.tokens(); ) {
                int taken = Math.min(part.tokens() - from, BLOCK_TOKENS - filled);
                parent = mixed(mixed(parent, part.id()), (long) from << 32 | taken);
                filled += taken;
                from += taken;
                if (filled == BLOCK_TOKENS) {
                    keys.add(new BlockKey(parent, mixed(parent, 1)));
                    filled = 0;
                }
            }
        }
        return new Chain(keys.toArray(BlockKey[]::new), tokens);
    }

    /** SplitMix64's finaliser over both. */
    private static long mixed(long a, long b) {
        long z = (a ^ Long.rotateLeft(b, 32)) + 0x9E3779B97F4A7C15L * (b | 1);
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
