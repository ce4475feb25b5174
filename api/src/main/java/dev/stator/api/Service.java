package dev.stator.api;

import dev.stator.engine.Tokenizer;
import dev.stator.serving.Fabric;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** What all endpoints work with. */
record Service(ApiOptions options, Fabric fabric, ServedModel model, Metrics metrics) {
    /** Answers from a preparing thread. */
    static void reply(Exchange exchange, JsonNode body) {
        byte[] bytes = Json.bytes(body);
        exchange.loop().post(() -> exchange.respond(200, "application/json", bytes));
    }

    /**
     * @throws ApiException if the model embeds only
     */
    void checkGenerates() {
        if (!fabric.model().generates()) {
            throw new ApiException(
                    ApiError.invalid(
                            "model",
                            "The model `%s` makes embeddings and does not generate text; use /v1/embeddings."
                                    .formatted(model.name())));
        }
    }

    /** Writes the answers as the client wants them. */
    Output output(Exchange exchange, Decoding decoding, Shape shape, int answers) {
        var logprobs =
                decoding.sampling().logprobs()
                        ? Optional.of(fabric.tokenizer())
                        : Optional.<Tokenizer>empty();
        return decoding.stream()
                ? new StreamedOutput(
                        exchange,
                        new SseStream(exchange, options, metrics::cutOff),
                        shape,
                        answers,
                        decoding.includeUsage(),
                        logprobs)
                : new WholeOutput(exchange, shape, answers, logprobs);
    }

    /** Submits what was asked. */
    void generate(Exchange exchange, Output output, Generation.Order order) {
        Generation.start(exchange, fabric, order, output, metrics);
    }
}
