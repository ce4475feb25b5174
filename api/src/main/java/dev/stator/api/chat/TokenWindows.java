package dev.stator.api.chat;

import dev.stator.api.documents.QuestionWindows;
import dev.stator.engine.Tokenizer;
import dev.stator.serving.Splice.Passage;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Finds the tokens of what a question is about in a prompt's passages. */
public final class TokenWindows {
    private final Tokenizer tokenizer;

    public TokenWindows(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /**
     * @param moved passages that do not stand where they were computed, in order
     * @param budget part of their text
     * @return runs of tokens within passages, in order, not overlapping
     */
    public List<Passage> of(int[] prompt, List<Passage> moved, String question, double budget) {
        if (budget <= 0 || moved.isEmpty()) {
            return List.of();
        }
        var texts = moved.stream().map(each -> text(prompt, each)).toList();
        int length = texts.stream().mapToInt(each -> each.text.length()).sum();
        var found =
                QuestionWindows.of(
                        texts.stream().map(Text::text).toList(), question, (int) (budget * length));
        var runs = new ArrayList<Passage>();
        for (var window : found) {
            var text = texts.get(window.passage());
            var passage = moved.get(window.passage());
            int from = tokenAt(prompt, passage, text.bytes(window.from()), false);
            int to = tokenAt(prompt, passage, text.bytes(window.to()), true);
            // Neighbours may share a token.
            int after = runs.isEmpty() ? 0 : runs.getLast().to();
            if (to > Math.max(from, after)) {
                runs.add(new Passage(Math.max(from, after), to));
            }
        }
        return runs;
    }

    /**
     * What a passage's tokens stand for.
     *
     * @param skipped bytes before it: the rest of a character that began in the token before
     */
    private record Text(String text, int skipped) {
        int bytes(int characters) {
            return skipped + text.substring(0, characters).getBytes(StandardCharsets.UTF_8).length;
        }
    }

    private Text text(int[] prompt, Passage passage) {
        var bytes = new ByteArrayOutputStream();
        for (int i = passage.from(); i < passage.to(); i++) {
            bytes.writeBytes(tokenizer.bytes(prompt[i], true));
        }
        byte[] all = bytes.toByteArray();
        int skipped = 0;
        while (skipped < all.length && (all[skipped] & 0xC0) == 0x80) {
            skipped++;
        }
        return new Text(
                new String(all, skipped, all.length - skipped, StandardCharsets.UTF_8), skipped);
    }

    /**
     * The token of a passage that a byte of it falls into.
     *
     * @param end the byte ends a window: the first token that begins there or later
     */
    private int tokenAt(int[] prompt, Passage passage, int wanted, boolean end) {
        int at = 0;
        int token = passage.from();
        while (token < passage.to()) {
            int next = at + tokenizer.bytes(prompt[token], true).length;
            if (end ? at >= wanted : next > wanted) {
                break;
            }
            at = next;
            token++;
        }
        return token;
    }
}
