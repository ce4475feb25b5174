package dev.stator.serving;

import dev.stator.cache.BlockKey;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a prompt has passages whose KV may be that of other prompts: computed behind the same head,
 * but not behind the same passages. What the model then reads is an approximation.
 *
 * @param head leading tokens that stand before all passages: instructions, tools
 * @param passages in the order of the prompt, not overlapping, none before the head's end
 * @param boundary tokens at the beginning of a moved passage that are computed in their place all
 *     the same, where they see what really stands before them (LegoLink in EPIC, arXiv:2410.15332)
 * @param fresh runs within passages that are computed in their place as well, in order, not
 *     overlapping: what the question is about
 */
public record Splice(int head, List<Passage> passages, int boundary, List<Passage> fresh) {
    /**
     * Tokens {@code [from, to)} of the prompt, a passage or the part of one.
     *
     * @param before tokens that the whole passage has before this part: KV of the part is that of
     *     the whole, which has seen them
     * @param after tokens that the whole passage has behind it
     */
    public record Passage(int from, int to, List<Integer> before, List<Integer> after) {
        public Passage {
            before = List.copyOf(before);
            after = List.copyOf(after);
        }

        /** A whole one. */
        public Passage(int from, int to) {
            this(from, to, List.of(), List.of());
        }

        public int length() {
            return to - from;
        }
    }

    public Splice {
        passages = List.copyOf(passages);
        fresh = List.copyOf(fresh);
    }

    /** Whether a passage directly follows the head, where its KV is exact. */
    public boolean isExact(Passage passage) {
        return passage.from == head && passage.before.isEmpty();
    }

    /**
     * All that makes KV behind its passages another than that of the exact prompt; empty if nothing
     * does. Passages that are exact are not in it, so prompts may differ in which of them are
     * known.
     */
    String lineage() {
        var moved = passages.stream().filter(each -> !isExact(each)).toList();
        var computed =
                fresh.stream()
                        .filter(
                                run ->
                                        moved.stream()
                                                .anyMatch(
                                                        each ->
                                                                each.from <= run.from
                                                                        && run.to <= each.to))
                        .toList();
        return moved.isEmpty()
                ? ""
                : new Splice(head, moved.stream().map(Splice::seen).toList(), boundary, computed)
                        .toString();
    }

    /** KV does not know what stands behind it. */
    private static Passage seen(Passage passage) {
        return new Passage(passage.from, passage.to, passage.before, List.of());
    }

    /** The runs of a passage that need not be computed in their place. */
    List<Passage> spliced(Passage passage) {
        if (isExact(passage)) {
            return List.of(passage);
        }
        var runs = new ArrayList<Passage>();
        int at = (int) Math.min(passage.to, (long) passage.from + boundary);
        for (var run : fresh) {
            if (run.to > at && run.from < passage.to) {
                if (run.from > at) {
                    runs.add(new Passage(at, run.from));
                }
                at = run.to;
            }
        }
        if (at < passage.to) {
            runs.add(new Passage(at, passage.to));
        }
        return runs;
    }

    /**
     * What a prompt needs.
     *
     * @param sources prompts whose KV it takes, which are exact ones
     * @param tokens that are computed in the prompt itself
     */
    public record Needs(List<int[]> sources, int tokens) {}

    /** What a prompt needs that is spliced like this. */
    public Needs needs(int[] prompt, int blockTokens) {
        var stretches = Stretch.of(BlockKey.root(), prompt, this, blockTokens);
        int taken = 0;
        int end = 0;
        for (var stretch : stretches) {
            taken += Math.max(0, stretch.to() - Math.max(end, stretch.from()));
            end = Math.max(end, stretch.to());
        }
        return new Needs(
                stretches.stream()
                        .map(Stretch::source)
                        .distinct()
                        .map(Stretch.Source::tokens)
                        .toList(),
                prompt.length - taken);
    }

    /** What is wrong with it for a prompt of so many tokens; empty if nothing is. */
    String complaint(int promptTokens) {
        int end = head;
        for (var passage : passages) {
            // The last token is always computed: its logits begin the answer.
            if (passage.from < end || passage.to <= passage.from || passage.to >= promptTokens) {
                return "the passage [%d, %d) does not lie between %d and the last of %d tokens"
                        .formatted(passage.from, passage.to, end, promptTokens);
            }
            end = passage.to;
        }
        end = head;
        for (var run : fresh) {
            boolean within = passages.stream().anyMatch(p -> p.from <= run.from && run.to <= p.to);
            if (!within || run.from < end || run.to <= run.from) {
                return "[%d, %d) is to be computed in its place, but lies in no passage, or in others of that kind"
                        .formatted(run.from, run.to);
            }
            end = run.to;
        }
        return head < 0 || boundary < 0 || passages.isEmpty()
                ? "it has no passage behind its head"
                : "";
    }
}
