package dev.stator.api;

import dev.stator.api.chat.AnswerPart;
import dev.stator.api.documents.ReuseMode;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;

/** {@code POST /v1/messages} and {@code POST /v1/messages/count_tokens}: Anthropic's API. */
final class AnthropicEndpoint implements Endpoint {
    private final Service service;
    private final Conversations conversations;

    AnthropicEndpoint(Service service, Conversations conversations) {
        this.service = service;
        this.conversations = conversations;
    }

    @Override
    public void handle(Exchange exchange, byte[] body) {
        long started = System.nanoTime();
        var fields = Fields.of(Json.parse(body));
        service.model().check(fields.string("model"));
        service.checkGenerates();
        conversations.model();
        var usual = service.options().reuse().usual(exchange.tenant());
        var request = AnthropicRequest.of(fields, usual);
        var urgency = Urgency.ofAnthropic(exchange, fields, service.options().waiting());
        conversations.answer(
                exchange,
                request.chat(),
                urgency,
                started,
                (promptTokens, readers) -> output(exchange, request, promptTokens, readers));
    }

    private Output output(
            Exchange exchange,
            AnthropicRequest request,
            int promptTokens,
            Supplier<PartReader> readers) {
        var shape =
                new AnthropicShape(
                        "msg_" + UUID.randomUUID().toString().replace("-", ""),
                        service.model().name());
        var reader = request.singleCall() ? new FirstCall(readers.get()) : readers.get();
        return request.chat().decoding().stream()
                ? new AnthropicStream(
                        exchange,
                        new SseStream(
                                exchange,
                                service.options(),
                                service.metrics()::cutOff,
                                AnthropicStream.PING),
                        shape,
                        new Choice(reader),
                        promptTokens)
                : new AnthropicWhole(exchange, shape, new Choice(reader));
    }

    /** How many tokens a prompt would have. */
    void count(Exchange exchange, byte[] body) {
        var fields = Fields.of(Json.parse(body));
        service.model().check(fields.string("model"));
        service.checkGenerates();
        conversations.model();
        var conversation = AnthropicRequest.conversation(fields, ReuseMode.EXACT);
        var owner =
                new StoredDocument.Owner(exchange.tenant(), fields.string("cache_salt").orElse(""));
        Service.reply(
                exchange,
                Json.object().put("input_tokens", conversations.count(conversation, owner)));
    }

    /** Leaves out what follows an answer's first call. */
    private static final class FirstCall implements PartReader {
        private final PartReader reader;

        FirstCall(PartReader reader) {
            this.reader = reader;
        }

        private boolean called;

        @Override
        public List<AnswerPart> accept(String text) {
            return cut(reader.accept(text));
        }

        @Override
        public List<AnswerPart> finish() {
            return cut(reader.finish());
        }

        private List<AnswerPart> cut(List<AnswerPart> parts) {
            return parts.stream().filter(this::belongs).toList();
        }

        private boolean belongs(AnswerPart part) {
            return switch (part) {
                case AnswerPart.ToolCallStart start -> {
                    called = true;
                    yield start.index() == 0;
                }
                case AnswerPart.ToolCallArguments arguments -> arguments.index() == 0;
                case AnswerPart.Text _, AnswerPart.Reasoning _ -> !called;
            };
        }
    }
}
