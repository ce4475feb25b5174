package dev.stator.api;

import dev.stator.api.chat.ChatException;
import dev.stator.api.chat.Conversation;
import dev.stator.api.documents.ReuseMode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A request as a pipeline sent it, as far as it makes the prompt.
 *
 * @param line of the file that it was read from
 * @param salt only requests of equal salt share KV
 */
public record LoggedRequest(int line, Content content, String salt) {
    private static final int MOST_PROMPTS = 10_000;

    /** What becomes the prompt. */
    public sealed interface Content {
        /** A chat request. */
        record Chat(Conversation conversation) implements Content {}

        /** A plain prompt. */
        record Text(String text) implements Content {}

        /** A plain prompt of token ids. */
        record Tokens(List<Integer> ids) implements Content {}
    }

    public LoggedRequest with(Content other) {
        return new LoggedRequest(line, other, salt);
    }

    public LoggedRequest withSalt(String other) {
        return new LoggedRequest(line, content, other);
    }

    /**
     * Reads a request's body, or a line of OpenAI's batch files, which has it under {@code body}:
     * of chat completions, of plain completions (one for each of its prompts), or of Anthropic's
     * messages.
     *
     * @throws IllegalArgumentException saying what is wrong
     */
    public static List<LoggedRequest> read(int line, String json, int vocabulary) {
        try {
            var object = Json.parse(json.getBytes(StandardCharsets.UTF_8));
            var fields = Fields.of(object.get("body") instanceof ObjectNode body ? body : object);
            var salt = fields.string("cache_salt").orElse("");
            if (fields.value("messages").isPresent()) {
                var conversation = conversation(fields);
                return List.of(new LoggedRequest(line, new Content.Chat(conversation), salt));
            }
            var requests = new ArrayList<LoggedRequest>();
            for (var input : CompletionRequest.inputs(fields, "prompt", vocabulary, MOST_PROMPTS)) {
                requests.add(new LoggedRequest(line, content(input), salt));
            }
            return requests;
        } catch (ApiException | ChatException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static Conversation conversation(Fields fields) {
        var system = fields.value("system").filter(JsonNode::isString);
        var conversation = ChatRequest.conversation(fields, ReuseMode.EXACT);
        if (system.isEmpty()) {
            return conversation;
        }
        var messages = new ArrayList<Map<String, Object>>();
        messages.add(Map.of("role", "system", "content", system.get().stringValue()));
        messages.addAll(conversation.messages());
        return conversation.withMessages(messages);
    }

    private static Content content(CompletionRequest.Input input) {
        return switch (input) {
            case CompletionRequest.Input.Text(var text) -> new Content.Text(text);
            case CompletionRequest.Input.Tokens(var tokens) ->
                    new Content.Tokens(IntStream.of(tokens).boxed().toList());
        };
    }
}
