package dev.stator.api;

import dev.stator.api.answers.AnswerCache;
import dev.stator.api.answers.AnswerMode;
import dev.stator.api.answers.Digest;
import dev.stator.api.answers.KeptAnswer;
import dev.stator.api.answers.Question;
import dev.stator.api.chat.Conversation;
import dev.stator.api.documents.Documents;
import dev.stator.api.documents.ReuseMode;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** Gives kept answers to chat requests, and keeps those that are computed. Thread-safe. */
final class KeptAnswers {
    private static final String HEADER = "x-stator-answer-cache";
    private static final String CONTENT = "content";
    private static final String USER = "user";

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
        var question = question(asked);
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
        exchange.response()
                .putHeader(HEADER, "%s; age=%d".formatted(hit.by().label(), hit.age().toSeconds()));
        service.metrics().answeredAgain();
        output.open();
        answer.stop().ifPresent(stop -> output.stopped(0, stop));
        output.finish(0, FinishReason.STOP, answer.text());
        output.complete(
                new Usage(asked.promptTokens(), asked.promptTokens(), 0, answer.tokens()),
                exchange.traced()
                        ? Optional.of(trace(hit.by(), hit.age(), asked.promptTokens()))
                        : Optional.empty());
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

    // What is asked

    /** Empty if no kept answer may be given to a request, and its own is not to be kept. */
    private Optional<Question> question(Asked asked) {
        var request = asked.request();
        var tenant = asked.exchange().tenant();
        var mode = request.answers().orElseGet(() -> service.options().answers().ceiling(tenant));
        if (mode == AnswerMode.OFF || !isRepeatable(request)) {
            return Optional.empty();
        }
        var messages = asked.conversation().messages();
        var users = messages.stream().filter(message -> USER.equals(message.get("role"))).count();
        boolean last = !messages.isEmpty() && USER.equals(messages.getLast().get("role"));
        boolean alone =
                users == 1
                        && last
                        && asked.conversation().addGenerationPrompt()
                        && messages.stream()
                                .noneMatch(message -> "assistant".equals(message.get("role")));
        var text = last ? text(messages.getLast().get(CONTENT)) : Optional.<String>empty();
        return Optional.of(
                new Question(
                        tenant,
                        request.decoding().salt(),
                        fixed(request, asked.conversation(), text.isPresent()),
                        asked.conversation().documents(),
                        text.orElse(""),
                        alone && text.isPresent(),
                        mode));
    }

    /**
     * Whether the answer to one request says what that to another will be. A random one does not,
     * unless the client says that it may; tools do something each time; and what has to be kept in
     * the host tier has to be computed.
     */
    private static boolean isRepeatable(ChatRequest request) {
        var decoding = request.decoding();
        var conversation = request.conversation();
        return (decoding.sampling().temperature() == 0 || request.answers().isPresent())
                && decoding.choices() == 1
                && !decoding.sampling().logprobs()
                && request.marks().isEmpty()
                && conversation.tools().isEmpty()
                && conversation.messages().stream()
                        .noneMatch(
                                message ->
                                        "tool".equals(message.get("role"))
                                                || message.containsKey("tool_calls"));
    }

    /** What a message says if that is one text. */
    private static Optional<String> text(@Nullable Object content) {
        return switch (content) {
            case String text -> Optional.of(text);
            case List<?> parts when parts.size() == 1 -> ofPart(parts.getFirst());
            case null, default -> Optional.empty();
        };
    }

    private static Optional<String> ofPart(Object part) {
        return part instanceof Map<?, ?> map
                        && "text".equals(map.get("type"))
                        && map.get("text") instanceof String text
                ? Optional.of(text)
                : Optional.empty();
    }

    /**
     * All that an answer depends on but the last message's text, if that is one. How long an answer
     * may be is not among it: one that ended by itself is the same whatever the limit. The day is,
     * as templates may write it.
     */
    private Digest fixed(ChatRequest request, Conversation conversation, boolean withoutText) {
        var decoding = request.decoding();
        var sampling = decoding.sampling();
        var messages = new ArrayList<Map<String, Object>>(conversation.messages());
        if (withoutText) {
            var last = new HashMap<>(messages.removeLast());
            last.put(CONTENT, last.get(CONTENT) instanceof String ? "text" : "part");
            messages.add(last);
        }
        var documents = conversation.documents();
        var parts =
                Stream.of(
                        service.fabric().model().fingerprint(),
                        LocalDate.now(ZoneId.systemDefault()).toString(),
                        messages,
                        conversation.templateArguments(),
                        conversation.addGenerationPrompt(),
                        conversation.continueFinalMessage(),
                        documents.reuse().label(),
                        documents.note().isEmpty() ? "" : "ranked",
                        said(documents),
                        sampling.temperature(),
                        sampling.topP(),
                        sampling.topK(),
                        sampling.minP(),
                        sampling.frequencyPenalty(),
                        sampling.presencePenalty(),
                        sampling.repeatPenalty(),
                        new TreeMap<>(sampling.logitBias()),
                        sampling.seed().toString(),
                        request.format().orElse(""),
                        decoding.stops(),
                        new TreeSet<>(decoding.stopTokens()),
                        decoding.ignoreEnd());
        return Digest.of(parts.map(Json::canonical).toList());
    }

    /** Each document with its id, as answers name ids; in order only where that was meant. */
    private static List<String> said(Documents documents) {
        boolean set = documents.reuse() != ReuseMode.EXACT && documents.note().isEmpty();
        var its = set ? documents.written() : documents.given();
        var said =
                its.stream()
                        .map(
                                each ->
                                        Json.canonical(
                                                List.of(
                                                        each.id().orElse(""),
                                                        each.title(),
                                                        each.text(),
                                                        each.source())));
        return (set ? said.sorted() : said).toList();
    }
}
