package dev.stator.api;

import dev.stator.api.chat.Conversation;
import dev.stator.api.documents.ReuseMode;
import java.util.Optional;

/** {@code POST /tokenize} and {@code POST /detokenize}, in vLLM's shapes. */
final class TokenEndpoints {
    private final Service service;
    private final Chat chat;
    private final Optional<Library> library;

    TokenEndpoints(Service service, Chat chat, Optional<Library> library) {
        this.service = service;
        this.chat = chat;
        this.library = library;
    }

    /** {@code prompt}, or {@code messages} as a chat completion would read them. */
    void tokenize(Exchange exchange, byte[] body) {
        var fields = Fields.of(Json.parse(body));
        service.model().check(fields.string("model"));
        int[] tokens =
                fields.value("messages").isPresent()
                        ? chat.model().prompt(conversation(exchange, fields), "").tokens()
                        : promptTokens(fields);
        var json = Json.object().put("count", tokens.length);
        json.put("max_model_len", service.fabric().contextTokens());
        var ids = json.putArray("tokens");
        for (int token : tokens) {
            ids.add(token);
        }
        if (fields.flag("return_token_strs", false)) {
            var texts = json.putArray("token_strs");
            for (int token : tokens) {
                texts.add(service.fabric().tokenizer().decode(new int[] {token}, true));
            }
        }
        Service.reply(exchange, json);
    }

    private Conversation conversation(Exchange exchange, Fields fields) {
        return Conversations.resolved(
                library,
                ChatRequest.conversation(fields, ReuseMode.EXACT),
                new StoredDocument.Owner(
                        exchange.tenant(), fields.string("cache_salt").orElse("")));
    }

    private int[] promptTokens(Fields fields) {
        var prompt =
                fields.string("prompt")
                        .orElseThrow(
                                () -> fields.wrong("prompt", "`prompt` or `messages` is missing."));
        return service.fabric()
                .tokenizer()
                .encode(prompt, fields.flag("add_special_tokens", true), true);
    }

    void detokenize(Exchange exchange, byte[] body) {
        var fields = Fields.of(Json.parse(body));
        service.model().check(fields.string("model"));
        if (fields.array("tokens").isEmpty()) {
            throw fields.wrong("tokens", "`tokens` is missing.");
        }
        int[] tokens =
                fields.tokens("tokens", service.fabric().model().vocabularySize()).stream()
                        .mapToInt(token -> token)
                        .toArray();
        Service.reply(
                exchange,
                Json.object().put("prompt", service.fabric().tokenizer().decode(tokens, true)));
    }
}
