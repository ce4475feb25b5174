package dev.stator.api;

import java.util.UUID;

/** {@code POST /v1/chat/completions}. */
final class ChatEndpoint implements Endpoint {
    private final Service service;
    private final Conversations conversations;

    ChatEndpoint(Service service, Conversations conversations) {
        this.service = service;
        this.conversations = conversations;
    }

    @Override
    public void handle(Exchange exchange, byte[] body) {
        long started = System.nanoTime();
        var fields = Json.parse(body);
        service.model().check(Fields.of(fields).string("model"));
        service.checkGenerates();
        conversations.model();
        var usual = service.options().reuse().usual(exchange.tenant());
        var request = ChatRequest.of(fields, service.fabric().model(), usual);
        var urgency = Urgency.of(exchange, Fields.of(fields), service.options().waiting());
        conversations.answer(
                exchange,
                request,
                urgency,
                started,
                (_, readers) ->
                        service.output(
                                exchange,
                                request.decoding(),
                                new ChatShape(
                                        "chatcmpl-" + UUID.randomUUID(),
                                        System.currentTimeMillis() / 1000,
                                        service.model().name(),
                                        urgency.serviceTier(),
                                        service.fabric().tokenizer(),
                                        readers),
                                request.decoding().choices()));
    }
}
