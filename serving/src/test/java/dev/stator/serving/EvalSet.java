package dev.stator.serving;

import dev.stator.engine.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The demonstration model's held-out conversations, put to it token for token as its own evaluation
 * does: pieces are tokenised apart, and what the model answered is the history of the next turn.
 */
final class EvalSet {
    static final String REFUSAL = "The documents do not say.";
    private static final String ANSWER_BEGINS = "<|im_end|>\n<|im_start|>assistant\n";

    record Turn(String question, String expected) {
        boolean answerable() {
            return !expected.equals(REFUSAL);
        }

        /** The exact value is in the answer, or the answer refuses where it should. */
        boolean isRight(String answer) {
            if (!answerable()) {
                return answer.strip().equals(REFUSAL);
            }
            var value = "(?<![A-Za-z0-9])" + Pattern.quote(expected) + "(?![A-Za-z0-9])";
            return Pattern.compile(value).matcher(answer).find();
        }
    }

    record Conversation(String id, List<String> openingPieces, List<Turn> turns) {}

    private EvalSet() {}

    static List<Conversation> read(Path file) {
        var mapper = JsonMapper.shared();
        try (var lines = Files.lines(file)) {
            return lines.map(line -> conversation(mapper.readTree(line))).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Conversation conversation(JsonNode node) {
        var pieces = new ArrayList<String>();
        pieces.add(
                "<|im_start|>system\n%s<|im_end|>\n<|im_start|>user\n"
                        .formatted(node.get("system").asString()));
        int number = 1;
        for (var document : node.get("documents")) {
            pieces.add(
                    "[doc %d] %s\n%s\n"
                            .formatted(
                                    number++,
                                    document.get("title").asString(),
                                    document.get("text").asString()));
        }
        var turns = new ArrayList<Turn>();
        for (var turn : node.get("turns")) {
            turns.add(new Turn(turn.get("question").asString(), turn.get("expected").asString()));
        }
        return new Conversation(node.get("id").asString(), pieces, turns);
    }

    /** The tokens of a conversation while it goes on. */
    static final class Dialogue {
        private final Tokenizer tokenizer;
        private final List<Integer> tokens = new ArrayList<>();
        private boolean begun;

        Dialogue(Tokenizer tokenizer, Conversation conversation) {
            this.tokenizer = tokenizer;
            conversation.openingPieces().forEach(this::append);
        }

        int[] ask(Turn turn) {
            append(
                    (begun ? "<|im_end|>\n<|im_start|>user\n" : "Question: ")
                            + turn.question()
                            + ANSWER_BEGINS);
            begun = true;
            return tokens.stream().mapToInt(token -> token).toArray();
        }

        void answered(List<Integer> answer) {
            for (int token : answer) {
                if (!tokenizer.endsGeneration(token)) {
                    tokens.add(token);
                }
            }
        }

        private void append(String text) {
            for (int token : tokenizer.encode(text, false, true)) {
                tokens.add(token);
            }
        }
    }
}
