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
        return asked.put("logprobs", true).put("top_logprobs", 3).toString();
    }

    /**
     * Whether an answer turns from another one where two tokens were as good as equal.
     *
     * @param answer with log probabilities
     */
    static boolean isNearTie(String answer, String other) {
        return lead(answer, other) < NEAR_TIE;
    }

    /**
     * By how much of log probability the token was likelier than the next one with which an answer
     * turns from another; infinite if it does not.
     *
     * @param answer with log probabilities
     */
    static double lead(String answer, String other) {
        var said = new StringBuilder();
        for (var token : tokens(answer)) {
            said.append(token.get("token").asString());
            if (!other.startsWith(said.toString())) {
                return lead(token);
            }
        }
        return Double.POSITIVE_INFINITY;
    }

    /**
     * How many tokens an answer has before the first that was likelier than the next one by less
     * than so much: what comes before does not depend on how sums are rounded.
     *
     * @param answer with log probabilities
     */
    static int certain(String answer, double leastLead) {
        int count = 0;
        for (var token : tokens(answer)) {
            if (lead(token) < leastLead) {
                break;
            }
            count++;
        }
        return count;
    }

    private static JsonNode tokens(String answer) {
        return JsonMapper.shared().readTree(answer).at("/choices/0/logprobs/content");
    }

    /** Tokens that were likelier than the one that was taken were not allowed. */
    private static double lead(JsonNode token) {
        double taken = token.get("logprob").asDouble();
        var text = token.get("token").asString();
        double next = Double.NEGATIVE_INFINITY;
        for (var other : token.get("top_logprobs")) {
            double its = other.get("logprob").asDouble();
            if (its <= taken && !other.get("token").asString().equals(text)) {
                next = Math.max(next, its);
            }
        }
        return taken - next;
    }
}
