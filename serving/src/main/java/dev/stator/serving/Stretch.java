package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.serving.Splice.Passage;
import java.util.ArrayList;
import java.util.List;

/**
 * A run of a prompt whose KV is that of a run of another prompt, its {@linkplain Source source}.
 *
 * @param from where it stands in the prompt
 * @param to where it ends
 * @param movedBy how many positions further on it stands than in its source
 */
record Stretch(int from, int to, int movedBy, Source source) {
    /**
     * The head of the prompt and one of its passages, and nothing else. So a passage's KV is found
     * under the ordinary, exact keys of that prompt, in whichever tier, and is computed as an
     * ordinary prompt is.
     *
     * @param keys of its blocks; the last one may be short
     * @param next what follows the passage in the spliced prompt
     */
    record Source(int[] tokens, List<BlockKey> keys, int next) {}

    /**
     * The stretches of a prompt. The first reaches back over the head if its passage follows it
     * directly: there it is exact.
     */
    static List<Stretch> of(BlockKey root, int[] prompt, Splice splice, int blockTokens) {
        var stretches = new ArrayList<Stretch>();
        for (var passage : splice.passages()) {
            int movedBy = passage.from() - splice.head();
            var runs = splice.spliced(passage, movedBy != 0);
            if (!runs.isEmpty()) {
                var source = source(root, prompt, splice.head(), passage, blockTokens);
                for (var run : runs) {
                    int from = movedBy == 0 ? 0 : run.from();
                    stretches.add(new Stretch(from, run.to(), movedBy, source));
                }
            }
        }
        return List.copyOf(stretches);
    }

    private static Source source(
            BlockKey root, int[] prompt, int head, Passage passage, int blockTokens) {
        int length = passage.to() - passage.from();
        int[] tokens = new int[head + length];
        System.arraycopy(prompt, 0, tokens, 0, head);
        System.arraycopy(prompt, passage.from(), tokens, head, length);
        return new Source(tokens, BlockKey.chain(root, tokens, blockTokens), prompt[passage.to()]);
    }

    boolean holds(int position) {
        return from <= position && position < to;
    }
}
