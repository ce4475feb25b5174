package dev.stator.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** One of the demonstration model's held-out conversations, as it goes on turn by turn. */
final class SoakConversation {
    private static final int ANSWER_TOKENS = 48;

    /** A lead of one token over another that how a prompt is cut into steps may turn round. */
    private static final double NEAR_TIE = 0.02;

    private final List<String> questions;
    private final ArrayNode messages = JsonMapper.shared().createArrayNode();
    private int turns;

    private SoakConversation(String system, List<String> questions) {
        this.questions = questions;
        say("system", system);
    }

    static List<JsonNode> all(Path file) {
        try (var lines = Files.lines(file)) {
            return lines.map(line -> JsonMapper.shared().readTree(line)).toList();
        } catch (IOException e) {
            throw new BenchException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    static SoakConversation of(JsonNode node) {
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
        var questions = new ArrayList<String>();
        for (var turn : node.get("turns")) {
            var before = questions.isEmpty() ? documents.toString() : "";
            questions.add(before + "Question: " + turn.get("question").asString());
        }
        return new SoakConversation(node.get("system").asString(), questions);
    }

    boolean isOver() {
        return turns == questions.size();
    }

    /** The next question, with all that was said before. */
    ObjectNode ask() {
        say("user", questions.get(turns++));
        var body = JsonMapper.shared().createObjectNode();
        body.put("model", "default").put("temperature", 0).put("max_tokens", ANSWER_TOKENS);
        body.set("messages", messages.deepCopy());
        return body;
    }

    void answered(String text) {
        say("assistant", text);
    }

    private void say(String role, String content) {
        messages.addObject().put("role", role).put("content", content);
    }

    static String text(String answer) {
        return JsonMapper.shared().readTree(answer).at("/choices/0/message/content").asString();
    }

    static String withLogprobs(String body) {
        var asked = (ObjectNode) JsonMapper.shared().readTree(body);
        return asked.put("logprobs", true).put("top_logprobs", 2).toString();
    }

    /**
     * Whether an answer turns from another one where two tokens were as good as equal.
     *
     * @param answer with log probabilities
     */
    static boolean isNearTie(String answer, String other) {
        var said = new StringBuilder();
        for (var token : JsonMapper.shared().readTree(answer).at("/choices/0/logprobs/content")) {
            said.append(token.get("token").asString());
            if (!other.startsWith(said.toString())) {
                var top = token.get("top_logprobs");
                double lead =
                        top.get(0).get("logprob").asDouble() - top.get(1).get("logprob").asDouble();
                return lead < NEAR_TIE;
            }
        }
        return false;
    }
}
