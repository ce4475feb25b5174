package dev.stator.bench;

import dev.stator.api.documents.Document;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Conversations about documents, of a file in the form of {@code demo/eval.jsonl}. */
record DocumentQuestions(List<Conversation> conversations) {
    record Conversation(String system, List<Document> documents, List<Turn> turns) {}

    /**
     * @param expected what a right answer holds
     * @param answer a right one
     */
    record Turn(String question, String expected, String answer) {
        boolean isRight(String answer) {
            return Pattern.compile(
                            "(?<![\\p{L}\\p{N}])" + Pattern.quote(expected) + "(?![\\p{L}\\p{N}])")
                    .matcher(answer)
                    .find();
        }
    }

    /** Those with two documents or more. */
    static DocumentQuestions read(Path file, int most) {
        return read(file, 2, most);
    }

    static DocumentQuestions read(Path file, int leastDocuments, int most) {
        var conversations = new ArrayList<Conversation>();
        try (var lines = Files.lines(file)) {
            lines.map(line -> conversation(JsonMapper.shared().readTree(line)))
                    .filter(conversation -> conversation.documents.size() >= leastDocuments)
                    .limit(most)
                    .forEach(conversations::add);
        } catch (IOException e) {
            throw new BenchException("cannot read " + file, e);
        }
        return new DocumentQuestions(conversations);
    }

    private static Conversation conversation(JsonNode node) {
        var documents = new ArrayList<Document>();
        for (var each : node.path("documents")) {
            var id = Integer.toString(documents.size() + 1);
            documents.add(
                    new Document(
                            Optional.of(id),
                            each.path("title").asString(),
                            each.path("text").asString(),
                            Map.of()));
        }
        var turns = new ArrayList<Turn>();
        for (var each : node.path("turns")) {
            turns.add(
                    new Turn(
                            each.path("question").asString(),
                            each.path("expected").asString(),
                            each.path("answer").asString()));
        }
        return new Conversation(node.path("system").asString(), documents, turns);
    }
}
