package dev.stator.api;

import dev.stator.api.chat.AnswerPart;
import dev.stator.engine.Sampled;
import dev.stator.engine.Tokenizer;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.NullNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answers of {@code /v1/completions}.
 *
 * @param serviceTier the class in which it waited, if the client chose one
 * @param echoes the text before each answer; empty strings if none is wanted
 */
record CompletionShape(
        String id,
        long created,
        String model,
        Optional<String> serviceTier,
        Tokenizer tokenizer,
        List<String> echoes)
        implements Shape {
    @Override
    public PartReader reader() {
        return PartReader.plain();
    }

    @Override
    public ObjectNode envelope(boolean chunk) {
        var envelope =
                Json.object()
                        .put("id", id)
                        .put("object", "text_completion")
                        .put("created", created)
                        .put("model", model);
        serviceTier.ifPresent(tier -> envelope.put("service_tier", tier));
        return envelope;
    }

    @Override
    public Optional<ObjectNode> opening(int choice) {
        var echo = echoes.get(choice);
        return echo.isEmpty()
                ? Optional.empty()
                : Optional.of(choice(choice, echo, NullNode.getInstance()));
    }

    @Override
    public ObjectNode delta(int choice, AnswerPart part, JsonNode logprobs) {
        return switch (part) {
            case AnswerPart.Text(var text) -> choice(choice, text, logprobs);
            case AnswerPart.Reasoning _,
                    AnswerPart.ToolCallStart _,
                    AnswerPart.ToolCallArguments _ ->
                    throw new IllegalStateException("a plain completion is text only");
        };
    }

    @Override
    public ObjectNode closing(int choice, String finishReason) {
        return choice(choice, "", NullNode.getInstance()).put("finish_reason", finishReason);
    }

    private static ObjectNode choice(int choice, String text, JsonNode logprobs) {
        var object = Json.object().put("index", choice).put("text", text);
        object.set("logprobs", logprobs);
        return object.putNull("finish_reason");
    }

    @Override
    public ObjectNode whole(int choice, Gathered answer) {
        JsonNode logprobs =
                answer.tokens().isEmpty() ? NullNode.getInstance() : logprobs(answer.tokens(), 0);
        return choice(choice, echoes.get(choice) + answer.text(), logprobs)
                .put("finish_reason", answer.finishReason());
    }

    @Override
    public JsonNode logprobs(List<Sampled> tokens, int textOffset) {
        var logprobs = Json.object();
        var texts = logprobs.putArray("tokens");
        var values = logprobs.putArray("token_logprobs");
        var tops = logprobs.putArray("top_logprobs");
        var offsets = logprobs.putArray("text_offset");
        int offset = textOffset;
        for (var token : tokens) {
            var text = text(token.token());
            texts.add(text);
            values.add(Logprob.finite(token.logprob()));
            var top = tops.addObject();
            for (var candidate : token.top()) {
                top.put(text(candidate.token()), Logprob.finite(candidate.logprob()));
            }
            offsets.add(offset);
            offset += text.length();
        }
        return logprobs;
    }

    private String text(int token) {
        return tokenizer.decode(new int[] {token}, true);
    }
}
