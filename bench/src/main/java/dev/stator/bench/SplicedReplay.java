package dev.stator.bench;

import dev.stator.api.PlainPassages;
import dev.stator.api.Splicing;
import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockLedger;
import dev.stator.cache.Eviction;
import dev.stator.cache.chunk.TextBounds;
import dev.stator.serving.Splice.Passage;
import dev.stator.sim.trace.RagPrompt;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/**
 * RAGPulse's prompts with their passages spliced: every token has an id, so that prompts go through
 * the classes that serve, up to the tables and the eviction policy of the host tier.
 */
final class SplicedReplay {
    private static final int BLOCK_TOKENS = 32;
    private static final BlockKey ROOT = BlockKey.root("replay");

    /** Memory for what prompts have in common, where nothing is declared: all of the trace. */
    private static final long PASSAGE_BYTES = 2L << 30;

    private final List<RagPrompt> prompts;
    private final boolean declared;

    /**
     * @param declared whether the client declares its documents, and writes what is volatile behind
     *     them; else prompts are as they were logged, and nothing is said of their parts
     */
    SplicedReplay(List<RagPrompt> prompts, boolean declared) {
        this.prompts = prompts;
        this.declared = declared;
    }

    /**
     * @param blocks that were used, different ones
     */
    record Outcome(long tokens, long served, int blocks) {
        double part() {
            return (double) served / tokens;
        }
    }

    /**
     * @param slots blocks that the tier holds
     */
    Outcome run(int slots) {
        var replay = new Run(slots);
        prompts.forEach(replay::take);
        return new Outcome(replay.tokens, replay.served, replay.used.size());
    }

    private record Cut(int[] tokens, int instructions, List<Passage> documents) {}

    private Cut cut(RagPrompt prompt) {
        int fixed = declared ? Math.min(2, prompt.system().size()) : prompt.system().size();
        var head = prompt.system().subList(0, fixed);
        var documents =
                declared ? prompt.passages().stream().distinct().toList() : prompt.passages();
        var rest =
                Stream.concat(
                                prompt.system().subList(fixed, prompt.system().size()).stream(),
                                prompt.rest().stream())
                        .toList();
        var parts = Stream.of(head, documents, rest).flatMap(List::stream).toList();
        int[] tokens = new int[parts.stream().mapToInt(RagPrompt.Part::tokens).sum()];
        int at = 0;
        for (var part : parts) {
            for (int i = 0; i < part.tokens(); i++) {
                tokens[at++] = id(part.id(), i);
            }
        }
        int from = head.stream().mapToInt(RagPrompt.Part::tokens).sum();
        var passages = new ArrayList<Passage>();
        int end = from;
        for (var document : documents) {
            if (declared && document.tokens() > 0 && end + document.tokens() < tokens.length) {
                passages.add(new Passage(end, end + document.tokens()));
            }
            end += document.tokens();
        }
        return new Cut(tokens, from, passages);
    }

    /** SplitMix64's finaliser. */
    private static int id(long part, int position) {
        long z = part * 0x9E3779B97F4A7C15L + position * 0xD1B54A32D192ED03L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return (int) (z ^ (z >>> 31)) & Integer.MAX_VALUE;
    }

    private final class Run {
        private final BlockLedger cache;
        private final Set<BlockKey> used = new HashSet<>();
        private final PlainPassages passages =
                new PlainPassages(
                        this::held,
                        (_, _, _, _) -> List.of(),
                        TextBounds.UNKNOWN,
                        PASSAGE_BYTES,
                        1);
        private long tokens;
        private long served;

        Run(int slots) {
            cache = new BlockLedger(slots, Eviction.BY_REUSE, _ -> {});
        }

        private int held(int[] prompt, String salt) {
            int present = 0;
            for (var key : BlockKey.chain(ROOT, prompt, BLOCK_TOKENS)) {
                if (!cache.contains(key)) {
                    break;
                }
                present++;
            }
            return Math.min(prompt.length, present * BLOCK_TOKENS);
        }

        void take(RagPrompt prompt) {
            var cut = cut(prompt);
            var splice =
                    passages.splice(
                            new PlainPassages.Read(
                                    cut.tokens,
                                    cut.documents,
                                    OptionalInt.of(cut.instructions),
                                    _ -> "",
                                    ""),
                            new Splicing.Way(0, 0));
            tokens += cut.tokens.length;
            if (splice.isEmpty()) {
                served += cut.tokens.length - computed(ROOT, cut.tokens);
                return;
            }
            var needs = splice.get().needs(cut.tokens, BLOCK_TOKENS);
            int computed = needs.tokens();
            for (int[] source : needs.sources()) {
                computed += computed(ROOT, source);
            }
            served += Math.max(0, cut.tokens.length - computed);
            // Its own blocks are kept as well, and take the room of others.
            computed(BlockKey.root("spliced", splice.get().toString()), cut.tokens);
        }

        /** Uses what is there, then stores what is not; the tokens that were not. */
        private int computed(BlockKey root, int[] prompt) {
            var keys = BlockKey.chain(root, prompt, BLOCK_TOKENS);
            used.addAll(keys);
            int present = 0;
            while (present < keys.size() && cache.lease(keys.get(present))) {
                present++;
            }
            var parent = Optional.<BlockKey>empty();
            for (var key : keys) {
                cache.store(key, parent, 1);
                parent = Optional.of(key);
            }
            keys.subList(0, present).forEach(cache::unlease);
            return Math.max(0, prompt.length - present * BLOCK_TOKENS);
        }
    }
}
