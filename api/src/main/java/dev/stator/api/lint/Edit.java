package dev.stator.api.lint;

import dev.stator.api.LoggedRequest;
import dev.stator.api.LoggedRequest.Content;
import dev.stator.api.chat.Conversation;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** Texts of a request's messages, where these are plain texts, and what becomes of them. */
final class Edit {
    private Edit() {}

    static Optional<Conversation> conversation(LoggedRequest request) {
        return request.content() instanceof Content.Chat(var conversation)
                ? Optional.of(conversation)
                : Optional.empty();
    }

    static List<Map<String, Object>> messages(LoggedRequest request) {
        return conversation(request).map(Conversation::messages).orElse(List.of());
    }

    static String role(Map<String, Object> message) {
        return String.valueOf(message.get("role"));
    }

    static Optional<String> text(Map<String, Object> message) {
        return message.get("content") instanceof String text ? Optional.of(text) : Optional.empty();
    }

    /** What is asked: the last user's message, or the whole of a plain prompt. */
    static Optional<String> asked(LoggedRequest request) {
        if (request.content() instanceof Content.Text(var text)) {
            return Optional.of(text);
        }
        int last = lastUser(messages(request));
        return last < 0 ? Optional.empty() : text(messages(request).get(last));
    }

    static LoggedRequest withAsked(LoggedRequest request, UnaryOperator<String> change) {
        if (request.content() instanceof Content.Text(var text)) {
            return request.with(new Content.Text(change.apply(text)));
        }
        int last = lastUser(messages(request));
        return last < 0 ? request : withText(request, last, change);
    }

    static LoggedRequest withText(
            LoggedRequest request, int message, UnaryOperator<String> change) {
        var messages = new ArrayList<>(messages(request));
        var edited = new LinkedHashMap<>(messages.get(message));
        text(edited).ifPresent(text -> edited.put("content", change.apply(text)));
        messages.set(message, edited);
        return withMessages(request, messages);
    }

    static LoggedRequest withMessages(LoggedRequest request, List<Map<String, Object>> messages) {
        return conversation(request)
                .map(its -> request.with(new Content.Chat(its.withMessages(messages))))
                .orElse(request);
    }

    /** Positions of messages that instruct. */
    static int[] instructions(LoggedRequest request) {
        var messages = messages(request);
        return IntStream.range(0, messages.size())
                .filter(i -> List.of("system", "developer").contains(role(messages.get(i))))
                .toArray();
    }

    private static int lastUser(List<Map<String, Object>> messages) {
        for (int i = messages.size() - 1; i >= 0; i--) {
            if (role(messages.get(i)).equals("user")) {
                return i;
            }
        }
        return -1;
    }

    static String shortened(String text) {
        var line = text.strip().replaceAll("\\s+", " ");
        return line.length() <= 80 ? line : line.substring(0, 79) + "…";
    }
}
