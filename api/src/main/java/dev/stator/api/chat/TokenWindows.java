package dev.stator.api.chat;

import dev.stator.api.documents.QuestionWindows;
import dev.stator.engine.Tokenizer;
import dev.stator.serving.Splice.Passage;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Finds the tokens of what a question is about in a prompt's passages. */
final class TokenWindows {
    private final Tokenizer tokenizer;

    TokenWindows(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /**
     * @param budget part of the text of moved passages, which are all but the first
     * @return runs of tokens within passages, in order, not overlapping
     */
    List<Passage> of(Prompt prompt, String question, double budget) {
        var passages = prompt.passages();
        var spans = prompt.seams().spans();
        if (budget <= 0 || passages.size() < 2 || passages.size() != spans.size()) {
            return List.of();
        }
        var texts =
                spans.stream().skip(1).map(s -> prompt.text().substring(s.from(), s.to())).toList();
        int length = texts.stream().mapToInt(String::length).sum();
        var runs = new ArrayList<Passage>();
        for (var window : QuestionWindows.of(texts, question, (int) (budget * length))) {
            var text = texts.get(window.passage());
            var passage = passages.get(window.passage() + 1);
            int from = tokenAt(prompt, passage, bytes(text, window.from()), false);
            int to = tokenAt(prompt, passage, bytes(text, window.to()), true);
            // Neighbours may share a token.
            int after = runs.isEmpty() ? 0 : runs.getLast().to();
            if (to > Math.max(from, after)) {
                runs.add(new Passage(Math.max(from, after), to));
            }
        }
        return runs;
    }

    private static int bytes(String text, int characters) {
        return text.substring(0, characters).getBytes(StandardCharsets.UTF_8).length;
    }

    /**
     * The token of a passage that a byte of it falls into.
     *
     * @param end the byte ends a window: the first token that begins there or later
     */
    private int tokenAt(Prompt prompt, Passage passage, int wanted, boolean end) {
        int at = 0;
        int token = passage.from();
        while (token < passage.to()) {
            int next = at + tokenizer.bytes(prompt.tokens()[token], true).length;
            if (end ? at >= wanted : next > wanted) {
                break;
            }
            at = next;
            token++;
        }
        return token;
    }
}
