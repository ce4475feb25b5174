package dev.stator.serving;

import java.util.List;

/**
 * Where a prompt has passages whose KV may be that of other prompts: computed behind the same head,
 * but not behind the same passages. What the model then reads is an approximation.
 *
 * @param head leading tokens that stand before all passages: instructions, tools
 * @param passages in the order of the prompt, not overlapping, none before the head's end
 * @param boundary tokens at the beginning of a moved passage that are computed in their place all
 *     the same, where they see what really stands before them (LegoLink in EPIC, arXiv:2410.15332)
 */
public record Splice(int head, List<Passage> passages, int boundary) {
    /** Tokens {@code [from, to)} of the prompt. */
    public record Passage(int from, int to) {}

    public Splice {
        passages = List.copyOf(passages);
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
        return head < 0 || boundary < 0 || passages.isEmpty()
                ? "it has no passage behind its head"
                : "";
    }
}
