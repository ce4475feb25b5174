package dev.stator.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** Puts an answer together from the events of its stream. */
final class ChatReading {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Consumer<String> onText;
    private final long start = System.nanoTime();
    private final StringBuilder text = new StringBuilder();
    private final Map<String, Integer> bySource = new LinkedHashMap<>();
    private long first;
    private long last;
    private int promptTokens;
    private int answerTokens;

    ChatReading(Consumer<String> onText) {
        this.onText = onText;
    }

    /**
     * @throws Refusal if the event tells of a failure
     */
    void event(String data) {
        if (data.equals("[DONE]")) {
            return;
        }
        var json = JSON.readTree(data);
        if (json.has("error")) {
            throw Refusal.failed(
                    "the server gave up: " + json.path("error").path("message").asString());
        }
        add(json.path("choices").path(0).path("delta").path("content"));
        var usage = json.path("usage");
        if (usage.isObject()) {
            promptTokens = usage.path("prompt_tokens").asInt(0);
            answerTokens = usage.path("completion_tokens").asInt(0);
        }
        json.path("stator")
                .path("prompt_tokens")
                .properties()
                .forEach(source -> bySource.put(source.getKey(), source.getValue().asInt(0)));
    }

    private void add(JsonNode content) {
        if (!content.isString() || content.stringValue().isEmpty()) {
            return;
        }
        last = System.nanoTime();
        if (text.isEmpty()) {
            first = last;
        }
        text.append(content.stringValue());
        onText.accept(content.stringValue());
    }

    ChatAnswer answer(boolean cancelled) {
        long begun = text.isEmpty() ? System.nanoTime() : first;
        return new ChatAnswer(
                text.toString(),
                cancelled,
                (begun - start) / 1e6,
                text.isEmpty() ? 0 : (last - first) / 1e6,
                promptTokens,
                answerTokens,
                bySource);
    }
}
