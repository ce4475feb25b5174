package dev.stator.bench;

import java.util.Random;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A conversation that goes on turn by turn, its words from a seed; some share a system prompt. */
final class SoakConversation {
    private static final String[] WORDS =
            ("time year people way day man thing woman life child world school state family student"
                            + " group country problem hand part place case week company system"
                            + " program question work government number night point home water"
                            + " room mother area money story fact month lot right study book eye")
                    .split(" ");
    private static final int SYSTEMS = 4;
    private static final int SYSTEM_WORDS = 120;
    private static final int MOST_WORDS = 60;

    private final Random random;
    private final ArrayNode messages = JsonMapper.shared().createArrayNode();
    private int turns;

    SoakConversation(long seed) {
        this.random = new Random(seed);
        say("system", words(new Random(random.nextInt(SYSTEMS)), SYSTEM_WORDS));
    }

    int turns() {
        return turns;
    }

    /** The next question, with all that was said before. */
    ObjectNode ask() {
        say("user", words(random, 10 + random.nextInt(MOST_WORDS)));
        var body = JsonMapper.shared().createObjectNode();
        body.put("model", "default").put("temperature", 0);
        body.put("max_tokens", 4 + random.nextInt(28));
        body.set("messages", messages.deepCopy());
        turns++;
        return body;
    }

    void answered(String text) {
        say("assistant", text);
    }

    static String text(String answer) {
        JsonNode json = JsonMapper.shared().readTree(answer);
        return json.at("/choices/0/message/content").asString();
    }

    private void say(String role, String content) {
        messages.addObject().put("role", role).put("content", content);
    }

    private static String words(Random random, int count) {
        var text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append(i == 0 ? "" : " ").append(WORDS[random.nextInt(WORDS.length)]);
        }
        return text.append('.').toString();
    }
}
