package dev.stator.api;

import dev.stator.api.answers.AnswerCache;
import dev.stator.api.answers.AnswerMode;
import dev.stator.api.answers.KeptAnswer;
import dev.stator.api.chat.Conversation;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/** Gives kept answers to chat requests, and keeps those that are computed. Thread-safe. */
final class KeptAnswers {
    private static final Logger LOG = LoggerFactory.getLogger(KeptAnswers.class);
    private static final String HEADER = "x-stator-answer-cache";

    private final Service service;

    KeptAnswers(Service service) {
        this.service = service;
    }

    /**
     * A request that has been prepared, and whose answer may be a kept one.
     *
     * @param promptTokens of it
     * @param maxTokens of its answer
     */
    record Asked(
            Exchange exchange,
            ChatRequest request,
            Conversation conversation,
            int promptTokens,
            int maxTokens) {}

    /**
     * @throws ApiException if the request asks for more than its tenant may
     */
    void check(ChatRequest request, Exchange exchange) {
        request.answers()
                .ifPresent(mode -> service.options().answers().check(mode, exchange.tenant()));
    }

    /**
     * Gives the kept answer to a request, if there is one.
     *
     * @return where to write the answer that has to be computed; empty if a kept one is given
     */
    Optional<Output> orCompute(Asked asked, Output output) {
        var most = service.options().answers().ceiling(asked.exchange().tenant());
        var question =
                AskedQuestion.of(
                        asked.exchange().tenant(),
                        asked.request(),
                        asked.conversation(),
                        most,
                        service.fabric().model().fingerprint());
        if (question.isEmpty()) {
            return Optional.of(output);
        }
        var cache = service.answers().orElseThrow();
        var exchange = asked.exchange();
        return switch (cache.find(question.get(), asked.maxTokens())) {
            case AnswerCache.Found.Miss(var ticket) -> {
                exchange.loop().post(() -> exchange.response().putHeader(HEADER, "miss"));
                yield Optional.of(new Keeping(output, cache, ticket));
            }
            case AnswerCache.Found.Hit hit -> {
                exchange.loop().post(() -> give(hit, asked, output));
                yield Optional.empty();
            }
        };
    }

    private void give(AnswerCache.Found.Hit hit, Asked asked, Output output) {
        var exchange = asked.exchange();
        var answer = hit.answer();
        try {
            exchange.response()
                    .putHeader(
                            HEADER,
                            "%s; age=%d".formatted(hit.by().label(), hit.age().toSeconds()));
            output.open();
            answer.stop().ifPresent(stop -> output.stopped(0, stop));
            output.finish(0, FinishReason.STOP, answer.text());
            output.complete(
                    new Usage(asked.promptTokens(), asked.promptTokens(), 0, answer.tokens()),
                    exchange.traced()
                            ? Optional.of(trace(hit.by(), hit.age(), asked.promptTokens()))
                            : Optional.empty());
            service.metrics().answeredAgain();
        } catch (RuntimeException e) {
            LOG.error("Request {} failed", exchange.requestId(), e);
            output.fail(new ApiError.Failed("The server could not write the answer."));
        }
    }

    private static ObjectNode trace(AnswerMode by, Duration age, int promptTokens) {
        var trace = Json.object().put("plan", "answer_cache");
        trace.putObject("prompt_tokens").put("answer_cache", promptTokens);
        trace.putObject("answer_cache")
                .put("result", by.label())
                .put("age_seconds", age.toMillis() / 1000.0);
        return trace;
    }

    /** Writes an answer on, and keeps it when it is whole. */
    private static final class Keeping implements Output {
        private final Output output;
        private final AnswerCache cache;
        private final AnswerCache.Ticket ticket;
        private final StringBuilder text = new StringBuilder();
        private Optional<String> stop = Optional.empty();
        private FinishReason reason = FinishReason.CANCELLED;

        Keeping(Output output, AnswerCache cache, AnswerCache.Ticket ticket) {
            this.output = output;
            this.cache = cache;
            this.ticket = ticket;
        }

        @Override
        public void open() {
            output.open();
        }

        @Override
        public void token(int choice, GeneratedToken token) {
            text.append(token.text());
            output.token(choice, token);
        }

        @Override
        public void stopped(int choice, String by) {
            stop = Optional.of(by);
            output.stopped(choice, by);
        }

        @Override
        public void finish(int choice, FinishReason its, String tail) {
            text.append(tail);
            reason = its;
            output.finish(choice, its, tail);
        }

        @Override
        public void complete(Usage usage, Optional<ObjectNode> account) {
            var verdict = AnswerCache.Verdict.NONE;
            if (reason == FinishReason.STOP) {
                var answer = new KeptAnswer(text.toString(), stop, usage.completionTokens());
                verdict = cache.keep(ticket, answer);
            }
            var result =
                    switch (verdict) {
                        case NONE -> "miss";
                        case RIGHT -> "verified";
                        case WRONG -> "false";
                    };
            account.ifPresent(its -> its.putObject("answer_cache").put("result", result));
            output.complete(usage, account);
        }

        @Override
        public void fail(ApiError error) {
            output.fail(error);
        }
    }
}
