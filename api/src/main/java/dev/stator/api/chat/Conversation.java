package dev.stator.api.chat;

import dev.stator.api.documents.DocumentOrder;
import dev.stator.api.documents.Documents;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * What a chat request says, in OpenAI's shape: maps, lists, strings, numbers, booleans; JSON's null
 * is Java's null as a map value.
 *
 * @param messages {@code role}, {@code content} (text or a list of parts), {@code tool_calls}, …
 * @param tools {@code {"type": "function", "function": {name, description, parameters}}}; empty if
 *     none
 * @param addGenerationPrompt end the prompt with the beginning of the assistant's turn
 * @param continueFinalMessage end the prompt inside the last message, so that the answer goes on
 *     with it; excludes {@code addGenerationPrompt}
 * @param templateArguments further variables for the template ({@code chat_template_kwargs})
 * @param documents that stand before the first user's message, or where the template puts them
 */
public record Conversation(
        List<Map<String, Object>> messages,
        List<Map<String, Object>> tools,
        ToolChoice toolChoice,
        boolean addGenerationPrompt,
        boolean continueFinalMessage,
        Map<String, Object> templateArguments,
        Documents documents) {
    /**
     * The first so many messages alone, without the beginning of an answer. Documents stand before
     * the first user's message, so without one there are none.
     */
    Conversation beginning(int count) {
        var head = messages.subList(0, count);
        boolean asks = head.stream().anyMatch(message -> "user".equals(message.get("role")));
        return new Conversation(
                head,
                tools,
                toolChoice,
                false,
                false,
                templateArguments,
                asks ? documents : Documents.NONE);
    }

    /** The same with one more message. */
    Conversation followedBy(Map<String, Object> message) {
        return new Conversation(
                Stream.concat(messages.stream(), Stream.of(message)).toList(),
                tools,
                toolChoice,
                addGenerationPrompt,
                continueFinalMessage,
                templateArguments,
                documents);
    }

    /** The same with other documents. */
    public Conversation withDocuments(Documents other) {
        return new Conversation(
                messages,
                tools,
                toolChoice,
                addGenerationPrompt,
                continueFinalMessage,
                templateArguments,
                other);
    }

    /** The same, arranged for reuse among the prompts of one salt. */
    public Conversation arranged(DocumentOrder order, String salt) {
        var head =
                messages.stream()
                        .takeWhile(message -> !"user".equals(message.get("role")))
                        .toList();
        long before = (long) Objects.hash(head, tools, templateArguments) << 32 ^ salt.hashCode();
        return new Conversation(
                messages,
                tools,
                toolChoice,
                addGenerationPrompt,
                continueFinalMessage,
                templateArguments,
                documents.arranged(order, before, salt));
    }
}
