package dev.stator.acceptance;

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
 * One of the demonstration model's held-out conversations.
 *
 * @param system the system message
 * @param documents the texts that the first question is about, as they stand before it
 */
record Conversation(String id, String system, String documents, List<Turn> turns) {
    private static final Path FILE =
            Path.of(System.getProperty("stator.demo")).resolve("eval.jsonl");

    /**
     * @param expected the value that a right answer has in it
     */
    record Turn(String question, String expected) {
        boolean isAnswerable() {
            return !expected.startsWith("The documents");
        }

        boolean isRight(String answer) {
            var value = "(?<![A-Za-z0-9])" + Pattern.quote(expected) + "(?![A-Za-z0-9])";
            return Pattern.compile(value).matcher(answer).find();
        }
    }

    String firstMessage() {
        return ask(turns.getFirst());
    }

    /** The documents with a question about them. */
    String ask(Turn turn) {
        return documents + "Question: " + turn.question();
    }

    static List<Conversation> all() {
        try (var lines = Files.lines(FILE)) {
            return lines.map(line -> read(JsonMapper.shared().readTree(line))).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The conversations about so many documents. */
    static List<Conversation> of(int documents) {
        return all().stream()
                .filter(one -> one.documents.contains("[doc " + documents + "]"))
                .filter(one -> !one.documents.contains("[doc " + (documents + 1) + "]"))
                .toList();
    }

    private static Conversation read(JsonNode node) {
        var documents = new StringBuilder();
        int number = 1;
        for (var document : node.get("documents")) {
            documents.append(
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
        return new Conversation(
                node.get("id").asString(),
                node.get("system").asString(),
                documents.toString(),
                List.copyOf(turns));
    }
}
