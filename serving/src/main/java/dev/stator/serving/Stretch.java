package dev.stator.serving;

import dev.stator.cache.BlockKey;
import java.util.ArrayList;
import java.util.List;

/**
 * A run of a prompt whose KV is that of a run of another prompt, the <em>source</em>: the head of
 * this prompt and one of its passages, and nothing else. So a passage's KV is found under the
 * ordinary, exact keys of that source, in whichever tier, and is computed as an ordinary prompt is.
 *
 * @param from where it stands in the prompt
 * @param to where it ends
 * @param source the tokens of the source, of which the last ones are the stretch
 * @param keys of the source's blocks; the last one may be short
 */
record Stretch(int from, int to, int[] source, List<BlockKey> keys) {
    /**
     * The stretches of a prompt. The first reaches back over the head if it follows it directly:
     * there it is exact.
     */
    static List<Stretch> of(BlockKey root, int[] prompt, Splice splice, int blockTokens) {
        var stretches = new ArrayList<Stretch>();
        for (var passage : splice.passages()) {
            int length = passage.to() - passage.from();
            boolean moved = passage.from() != splice.head();
            if (moved && length <= splice.boundary()) {
                continue;
            }
            int[] source = new int[splice.head() + length];
            System.arraycopy(prompt, 0, source, 0, splice.head());
            System.arraycopy(prompt, passage.from(), source, splice.head(), length);
            stretches.add(
                    new Stretch(
                            moved ? passage.from() + splice.boundary() : 0,
                            passage.to(),
                            source,
                            BlockKey.chain(root, source, blockTokens)));
        }
        return List.copyOf(stretches);
    }

    /** How many positions further on it stands than in its source. */
    int movedBy() {
        return to - source.length;
    }

    boolean holds(int position) {
        return from <= position && position < to;
    }
}
