package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.serving.Splice.Passage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A run of a prompt whose KV is that of a run of another prompt, its {@linkplain Source source}.
 *
 * @param from where it stands in the prompt
 * @param to where it ends
 * @param movedBy how many positions further on it stands than in its source
 * @param exact whether all that stands before it stands before it in its source, too
 */
record Stretch(int from, int to, int movedBy, boolean exact, Source source) {
    /**
     * The head of the prompt and one of its passages, and nothing else. So a passage's KV is found
     * under the ordinary, exact keys of that prompt, in whichever tier, and is computed as an
     * ordinary prompt is. Of a passage that the prompt has in part it is as much as the part needs:
     * what stands before it, and behind it up to the end of its last block, which is the block that
     * is there if the whole passage is.
     *
     * @param keys of its blocks; the last one may be short
     * @param next what follows the passage in the spliced prompt
     */
    record Source(int[] tokens, List<BlockKey> keys, int next) {}

    /**
     * The stretches of a prompt. The first reaches back over the head if its passage follows it
     * directly: there it is exact. Else what stands before the first passage is one of its own, as
     * exact prompts have it, too; whole blocks of it.
     */
    static List<Stretch> of(BlockKey root, int[] prompt, Splice splice, int blockTokens) {
        var stretches = new ArrayList<Stretch>();
        var first = splice.passages().getFirst();
        int before = first.from() / blockTokens * blockTokens;
        if (before > 0 && !splice.isExact(first)) {
            stretches.add(beginning(root, prompt, before, blockTokens));
        }
        for (var passage : splice.passages()) {
            boolean exact = splice.isExact(passage);
            int movedBy = passage.from() - splice.head() - passage.before().size();
            var runs = splice.spliced(passage);
            if (!runs.isEmpty()) {
                var source = source(root, prompt, splice.head(), passage, blockTokens);
                for (var run : runs) {
                    int from = exact ? 0 : run.from();
                    stretches.add(new Stretch(from, run.to(), movedBy, exact, source));
                }
            }
        }
        return List.copyOf(stretches);
    }

    private static Stretch beginning(BlockKey root, int[] prompt, int end, int blockTokens) {
        int[] tokens = Arrays.copyOf(prompt, end);
        var keys = BlockKey.chain(root, tokens, blockTokens);
        return new Stretch(0, end, 0, true, new Source(tokens, keys, prompt[end]));
    }

    /** The prompt that a passage is computed in. */
    static Source source(BlockKey root, int[] prompt, int head, Passage passage, int blockTokens) {
        int before = head + passage.before().size();
        int end = before + passage.length();
        int behind =
                Math.min(
                        passage.after().size(), Math.ceilDiv(end, blockTokens) * blockTokens - end);
        int[] tokens = new int[end + behind];
        System.arraycopy(prompt, 0, tokens, 0, head);
        copy(passage.before(), passage.before().size(), tokens, head);
        System.arraycopy(prompt, passage.from(), tokens, before, passage.length());
        copy(passage.after(), behind, tokens, end);
        return new Source(tokens, BlockKey.chain(root, tokens, blockTokens), prompt[passage.to()]);
    }

    private static void copy(List<Integer> from, int count, int[] to, int at) {
        for (int i = 0; i < count; i++) {
            to[at + i] = from.get(i);
        }
    }

    boolean holds(int position) {
        return from <= position && position < to;
    }
}
