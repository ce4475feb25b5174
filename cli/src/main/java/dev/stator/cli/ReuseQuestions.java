package dev.stator.cli;

import dev.stator.api.chat.Conversation;
import dev.stator.api.chat.ToolChoice;
import dev.stator.api.documents.Document;
import dev.stator.api.documents.Documents;
import dev.stator.api.documents.ReuseMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Questions about several documents each, of a file. */
record ReuseQuestions(String name, List<Question> all) {
    /**
     * @param expected what a right answer holds, if it is known
     */
    record Question(Conversation conversation, Optional<String> expected) {
        boolean isRight(String answer) {
            var value = Pattern.quote(expected.orElse(""));
            return Pattern.compile("(?<![\\p{L}\\p{N}])" + value + "(?![\\p{L}\\p{N}])")
                    .matcher(answer)
                    .find();
        }
    }

    /**
     * @throws Refusal naming the line that is wrong
     */
    static ReuseQuestions read(Path file, int most) {
        var questions = new ArrayList<Question>();
        try (var reader = Files.newBufferedReader(file)) {
            int number = 0;
            for (var line = reader.readLine();
                    line != null && questions.size() < most;
                    line = reader.readLine()) {
                number++;
                if (!line.isBlank()) {
                    question(file, number, line).ifPresent(questions::add);
                }
            }
        } catch (IOException e) {
            throw Refusal.failed("cannot read %s: %s".formatted(file, Reason.of(e)));
        }
        if (questions.isEmpty()) {
            throw Refusal.failed("%s has no question about two documents or more".formatted(file));
        }
        return new ReuseQuestions(String.valueOf(file.getFileName()), List.copyOf(questions));
    }

    private static Optional<Question> question(Path file, int number, String line) {
        JsonNode node;
        try {
            node = JsonMapper.shared().readTree(line);
        } catch (JacksonException _) {
            throw Refusal.failed("%s, line %d: this is no JSON".formatted(file, number));
        }
        var turn = node.path("turns").path(0);
        var asked = turn.path("question");
        if (!node.path("documents").isArray() || !asked.isString()) {
            throw Refusal.failed(
                    "%s, line %d: it needs \"documents\" and \"turns\" with a \"question\""
                            .formatted(file, number));
        }
        var documents = new ArrayList<Document>();
        for (var each : node.path("documents")) {
            if (!each.path("text").isString() || each.path("text").asString().isBlank()) {
                throw Refusal.failed(
                        "%s, line %d: a document needs \"text\"".formatted(file, number));
            }
            documents.add(document(each, documents.size() + 1));
        }
        if (documents.size() < 2) {
            return Optional.empty();
        }
        var messages = new ArrayList<Map<String, Object>>();
        if (node.path("system").isString()) {
            messages.add(Map.of("role", "system", "content", node.path("system").asString()));
        }
        messages.add(Map.of("role", "user", "content", asked.asString()));
        return Optional.of(
                new Question(
                        new Conversation(
                                messages,
                                List.of(),
                                new ToolChoice.Auto(),
                                true,
                                false,
                                Map.of(),
                                Documents.of(documents, ReuseMode.SPLICED, false)),
                        Optional.of(turn.path("expected"))
                                .filter(JsonNode::isString)
                                .map(JsonNode::asString)));
    }

    private static Document document(JsonNode node, int number) {
        var id = node.path("id").asString(Integer.toString(number));
        var title = node.path("title").asString("");
        var text = node.path("text").asString();
        return new Document(
                Optional.of(id), title, text, Map.of("id", id, "title", title, "text", text));
    }
}
