package dev.stator.api;

import dev.stator.api.answers.AnswerMode;
import dev.stator.api.answers.Digest;
import dev.stator.api.answers.Question;
import dev.stator.api.chat.Conversation;
import dev.stator.api.documents.Documents;
import dev.stator.api.documents.ReuseMode;
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

/** What a chat request asks, as far as a kept answer may be given to it. */
final class AskedQuestion {
    private static final String ROLE = "role";
    private static final String CONTENT = "content";

    private AskedQuestion() {}

    /**
     * @param conversation of the request, with the documents' texts
     * @param usual the mode if the request does not say one
     * @param model its fingerprint
     * @return empty if no kept answer may be given to the request, and its own is not to be kept
     */
    static Optional<Question> of(
            String tenant,
            ChatRequest request,
            Conversation conversation,
            AnswerMode usual,
            String model) {
        var mode = request.answers().orElse(usual);
        if (mode == AnswerMode.OFF || !isRepeatable(request)) {
            return Optional.empty();
        }
        var messages = conversation.messages();
        var last = messages.getLast();
        var text =
                "user".equals(last.get(ROLE)) ? text(last.get(CONTENT)) : Optional.<String>empty();
        boolean first =
                messages.subList(0, messages.size() - 1).stream()
                        .allMatch(AskedQuestion::isInstruction);
        return Optional.of(
                new Question(
                        tenant,
                        request.decoding().salt(),
                        fixed(model, request, conversation, text.isPresent()),
                        conversation.documents(),
                        text.orElse(""),
                        first && text.isPresent() && conversation.addGenerationPrompt(),
                        mode));
    }

    private static boolean isInstruction(Map<String, Object> message) {
        var role = message.get(ROLE);
        return "system".equals(role) || "developer".equals(role);
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
                                        "tool".equals(message.get(ROLE))
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
    private static Digest fixed(
            String model, ChatRequest request, Conversation conversation, boolean withoutText) {
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
                        model,
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
