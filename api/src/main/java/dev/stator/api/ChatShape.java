package dev.stator.api;

import dev.stator.api.chat.AnswerPart;
import dev.stator.engine.Sampled;
import dev.stator.engine.Tokenizer;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.NullNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answers of {@code /v1/chat/completions}.
 *
 * @param id of the completion, as clients see it
 * @param created seconds since 1970
 * @param serviceTier the class in which it waited, if the client chose one
 */
record ChatShape(
        String id,
        long created,
        String model,
        Optional<String> serviceTier,
        Tokenizer tokenizer,
        Supplier<PartReader> readers)
        implements Shape {
    @Override
    public PartReader reader() {
        return readers.get();
    }

    @Override
    public ObjectNode envelope(boolean chunk) {
        var envelope =
                Json.object()
                        .put("id", id)
                        .put("object", chunk ? "chat.completion.chunk" : "chat.completion")
                        .put("created", created)
                        .put("model", model);
        serviceTier.ifPresent(tier -> envelope.put("service_tier", tier));
        return envelope;
    }

    @Override
    public Optional<ObjectNode> opening(int choice) {
        var delta = Json.object().put("role", "assistant").put("content", "");
        return Optional.of(chunk(choice, delta, NullNode.getInstance()));
    }

    @Override
    public ObjectNode delta(int choice, AnswerPart part, JsonNode logprobs) {
        return chunk(choice, delta(part), logprobs);
    }

    private static ObjectNode delta(AnswerPart part) {
        var delta = Json.object();
        switch (part) {
            case AnswerPart.Text(var text) -> delta.put("content", text);
            case AnswerPart.Reasoning(var text) -> delta.put("reasoning_content", text);
            case AnswerPart.ToolCallStart(var index, var id, var name) -> {
                var call = delta.putArray("tool_calls").addObject().put("index", index);
                call.put("id", id).put("type", "function");
                call.putObject("function").put("name", name).put("arguments", "");
            }
            case AnswerPart.ToolCallArguments(var index, var json) ->
                    delta.putArray("tool_calls")
                            .addObject()
                            .put("index", index)
                            .putObject("function")
                            .put("arguments", json);
        }
        return delta;
    }

    @Override
    public ObjectNode closing(int choice, String finishReason) {
        return chunk(choice, Json.object(), NullNode.getInstance())
                .put("finish_reason", finishReason);
    }

    private static ObjectNode chunk(int choice, ObjectNode delta, JsonNode logprobs) {
        var object = Json.object().put("index", choice);
        object.set("delta", delta);
        object.set("logprobs", logprobs);
        return object.putNull("finish_reason");
    }

    @Override
    public ObjectNode whole(int choice, Gathered answer) {
        var object = Json.object().put("index", choice);
        var message = object.putObject("message").put("role", "assistant");
        boolean onlyCalls = answer.text().isEmpty() && !answer.calls().isEmpty();
        message.put("content", onlyCalls ? null : answer.text()).putNull("refusal");
        if (!answer.reasoning().isEmpty()) {
            message.put("reasoning_content", answer.reasoning());
        }
        if (!answer.calls().isEmpty()) {
            var calls = message.putArray("tool_calls");
            for (var call : answer.calls()) {
                calls.addObject()
                        .put("id", call.id())
                        .put("type", "function")
                        .putObject("function")
                        .put("name", call.name())
                        .put("arguments", call.arguments().toString());
            }
        }
        object.set(
                "logprobs",
                answer.tokens().isEmpty() ? NullNode.getInstance() : logprobs(answer.tokens(), 0));
        return object.put("finish_reason", answer.finishReason());
    }

    @Override
    public JsonNode logprobs(List<Sampled> tokens, int textOffset) {
        var logprobs = Json.object();
        var content = logprobs.putArray("content");
        for (var token : tokens) {
            var entry = entry(token.token(), token.logprob());
            var top = entry.putArray("top_logprobs");
            token.top()
                    .forEach(candidate -> top.add(entry(candidate.token(), candidate.logprob())));
            content.add(entry);
        }
        return logprobs.putNull("refusal");
    }

    private ObjectNode entry(int token, float logprob) {
        var entry =
                Json.object()
                        .put("token", tokenizer.decode(new int[] {token}, true))
                        .put("logprob", Logprob.finite(logprob));
        var bytes = entry.putArray("bytes");
        for (byte b : tokenizer.bytes(token, true)) {
            bytes.add(b & 0xff);
        }
        return entry;
    }
}
