package dev.stator.api;

import dev.stator.api.answers.AnswerCache;
import dev.stator.api.documents.AcrossDocuments;
import dev.stator.api.documents.Document;
import dev.stator.api.documents.ReuseMode;
import dev.stator.engine.Tokenizer;
import dev.stator.serving.Fabric;
import dev.stator.serving.Splice;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** What all endpoints work with. */
record Service(
        ApiOptions options,
        Fabric fabric,
        ServedModel model,
        Metrics metrics,
        PlainPassages passages,
        Optional<AnswerCache> answers) {
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
        if (!mode.splices()) {
            return;
        }
        options.splicing()
                .refusal(mode)
                .or(fabric::unspliceable)
                .ifPresent(
                        why -> {
                            throw new ApiException(
                                    ApiError.invalid(
                                            "reuse",
                                            "`%s` is not possible here: %s. Use `exact` or `exact-reorder`."
                                                    .formatted(mode.label(), why)));
                        });
    }

    /**
     * How the model comes to read a prompt.
     *
     * @param served the mode that it is answered with
     * @param splice empty if it is read exactly
     * @param exactBecause why, although it was allowed not to be
     */
    record Reading(ReuseMode served, Optional<Splice> splice, Optional<String> exactBecause) {}

    /**
     * How a prompt is read, as its mode lets it be; exact ones are learned from where others may be
     * spliced.
     *
     * @param documents that the client declared
     */
    Reading read(ReuseMode mode, List<Document> documents, PlainPassages.Read read) {
        if (!(options.splicing() instanceof Splicing.Allowed allowed)) {
            return new Reading(mode, Optional.empty(), Optional.empty());
        }
        var way = allowed.way(mode);
        if (way.isEmpty()) {
            passages.learn(read.tokens(), read.salt());
            return new Reading(mode, Optional.empty(), Optional.empty());
        }
        var splice = passages.splice(read, way.get());
        var across =
                splice.map(Splice::passages)
                        .flatMap(
                                its ->
                                        AcrossDocuments.reason(
                                                documents, read.question().apply(its)));
        return across.isPresent()
                ? new Reading(ReuseMode.EXACT, Optional.empty(), across)
                : new Reading(mode, guarded(splice, mode, allowed), Optional.empty());
    }

    private static Optional<Splice> guarded(
            Optional<Splice> splice, ReuseMode mode, Splicing.Allowed allowed) {
        return mode == ReuseMode.SPLICED_GUARDED
                ? splice.flatMap(
                        its -> allowed.guarded().map(guarded -> its.guarded(guarded.guard())))
                : splice;
    }

    /** Says the mode of an answer in its header, and counts it. */
    void announce(ReuseMode served, Exchange exchange) {
        metrics.asked(served);
        exchange.loop().post(() -> exchange.response().putHeader("x-stator-reuse", served.label()));
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
