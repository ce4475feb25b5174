package dev.stator.api.chat;

import dev.stator.serving.Splice.Passage;
import java.util.List;

/**
 * A conversation as the model reads it.
 *
 * @param text what the template rendered
 * @param tokens what is prefilled
 * @param reusedTokens how many of them an earlier prompt had already been tokenised to
 * @param passages the documents' tokens, where these may be spliced; else empty
 * @param seams where the text was cut for them: one span for each passage
 */
public record Prompt(
        String text, int[] tokens, int reusedTokens, List<Passage> passages, Seams seams) {
    /** Leading tokens before all passages. */
    public int head() {
        return passages.isEmpty() ? tokens.length : passages.getFirst().from();
    }
}
