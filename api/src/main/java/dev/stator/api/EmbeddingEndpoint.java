package dev.stator.api;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import tools.jackson.databind.node.ObjectNode;

/** {@code POST /v1/embeddings}. */
final class EmbeddingEndpoint implements Endpoint {
    private static final int MAX_INPUTS = 2048;

    /** Requests that wait for the embedder, which works on one at a time. */
    private static final int MAX_WAITING = 64;

    private final Service service;
    private final Semaphore waiting = new Semaphore(MAX_WAITING);

    EmbeddingEndpoint(Service service) {
        this.service = service;
    }

    @Override
    public void handle(Exchange exchange, byte[] body) {
        var object = Json.parse(body);
        var fields = Fields.of(object);
        service.model().check(fields.string("model"));
        var model = service.fabric().model();
        if (!model.embeds()) {
            throw fields.wrong(
                    "model",
                    "The model `%s` cannot make embeddings: its file declares no pooling."
                            .formatted(service.model().name()));
        }
        boolean base64 =
                fields.choice("encoding_format", List.of("float", "base64"), "base64"::equals)
                        .orElse(false);
        var dimensions = fields.integer("dimensions", 1, Integer.MAX_VALUE);
        if (dimensions.isPresent() && dimensions.getAsInt() != model.embeddingLength()) {
            throw fields.wrong(
                    "dimensions",
                    "The model's embeddings have %d dimensions, which cannot be changed."
                            .formatted(model.embeddingLength()));
        }
        var inputs =
                CompletionRequest.inputs(fields, "input", model.vocabularySize(), MAX_INPUTS)
                        .stream()
                        .map(this::tokens)
                        .toList();
        checkLengths(inputs);
        embed(exchange, inputs, base64);
    }

    private int[] tokens(CompletionRequest.Input input) {
        return switch (input) {
            case CompletionRequest.Input.Tokens(var tokens) -> tokens;
            case CompletionRequest.Input.Text(var text) ->
                    service.fabric().tokenizer().encode(text, true, false);
        };
    }

    private void checkLengths(List<int[]> inputs) {
        int most = service.fabric().model().contextTokens();
        for (int i = 0; i < inputs.size(); i++) {
            if (inputs.get(i).length > most) {
                throw new ApiException(
                        new ApiError.Invalid(
                                "Input %d has %d tokens; the model reads at most %d."
                                        .formatted(i, inputs.get(i).length, most),
                                Optional.of("input"),
                                Optional.of("context_length_exceeded")));
            }
        }
    }

    /** On a thread of its own: a preparing thread must not wait for the engine. */
    private void embed(Exchange exchange, List<int[]> inputs, boolean base64) {
        if (!waiting.tryAcquire()) {
            throw new ApiException(
                    new ApiError.Overloaded(
                            "%d requests for embeddings wait already.".formatted(MAX_WAITING), 1));
        }
        Thread.ofVirtual()
                .name("embed " + exchange.requestId())
                .start(
                        () -> {
                            try {
                                Preparation.attempt(
                                        exchange, () -> reply(exchange, inputs, base64));
                            } finally {
                                waiting.release();
                            }
                        });
    }

    private void reply(Exchange exchange, List<int[]> inputs, boolean base64) {
        var vectors = new ArrayList<float[]>();
        for (int[] input : inputs) {
            if (exchange.gone()) {
                return;
            }
            vectors.addAll(service.fabric().embed(List.of(input)));
        }
        int tokens = inputs.stream().mapToInt(input -> input.length).sum();
        Service.reply(exchange, json(vectors, tokens, base64));
    }

    private ObjectNode json(List<float[]> vectors, int tokens, boolean base64) {
        var json = Json.object().put("object", "list");
        var data = json.putArray("data");
        for (int i = 0; i < vectors.size(); i++) {
            var entry = data.addObject().put("object", "embedding").put("index", i);
            if (base64) {
                entry.put("embedding", base64(vectors.get(i)));
            } else {
                var array = entry.putArray("embedding");
                for (float value : vectors.get(i)) {
                    array.add(value);
                }
            }
        }
        json.put("model", service.model().name());
        json.putObject("usage").put("prompt_tokens", tokens).put("total_tokens", tokens);
        return json;
    }

    /** Little-endian 32-bit floats. */
    private static String base64(float[] vector) {
        var bytes = ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(vector);
        return Base64.getEncoder().encodeToString(bytes.array());
    }
}
