package dev.stator.api;

import dev.stator.api.documents.ReuseMode;
import dev.stator.engine.Tokenizer;
import dev.stator.serving.Fabric;
import dev.stator.serving.Splice;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** What all endpoints work with. */
record Service(
        ApiOptions options,
        Fabric fabric,
        ServedModel model,
        Metrics metrics,
        PlainPassages passages) {
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

    /**
     * @throws ApiException if a request of this mode is not allowed here, or not possible
     */
    void checkReuse(ReuseMode mode, Exchange exchange) {
        options.reuse().check(mode, exchange.tenant());
        if (mode == ReuseMode.SPLICED) {
            var refusal =
                    options.splicing() instanceof Splicing.Refused refused
                            ? Optional.of(refused.why())
                            : fabric.unspliceable();
            refusal.ifPresent(
                    why -> {
                        throw new ApiException(
                                ApiError.invalid(
                                        "reuse",
                                        "`spliced` is not possible here: %s. Use `exact` or `exact-reorder`."
                                                .formatted(why)));
                    });
        }
    }

    /**
     * How a prompt is spliced, if its mode lets it be; exact ones are learned from where others may
     * be spliced.
     */
    Optional<Splice> splice(ReuseMode mode, PlainPassages.Read read) {
        return switch (options.splicing()) {
            case Splicing.Allowed allowed when mode == ReuseMode.SPLICED ->
                    passages.splice(read, allowed);
            case Splicing.Allowed _ -> {
                passages.learn(read.tokens(), read.salt());
                yield Optional.empty();
            }
            case Splicing.Refused _ -> Optional.empty();
        };
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

    /** Submits what was asked and lets the right output write it. */
    void generate(Exchange exchange, Decoding decoding, Shape shape, Generation.Order order) {
        var output = output(exchange, decoding, shape, order.requests().size());
        Generation.start(exchange, fabric, order, output, metrics);
    }
}
