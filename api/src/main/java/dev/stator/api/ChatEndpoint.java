package dev.stator.api;

import dev.stator.api.chat.AnswerParser;
import dev.stator.api.chat.AnswerPart;
import dev.stator.api.chat.ChatModel;
import dev.stator.api.chat.Conversation;
import dev.stator.api.chat.Prompt;
import dev.stator.api.documents.DocumentOrder;
import dev.stator.api.documents.ReuseMode;
import dev.stator.serving.Account;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.Retention;
import dev.stator.serving.Splice;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;

/** {@code POST /v1/chat/completions}. */
final class ChatEndpoint implements Endpoint {
    private static final int REMEMBERED_DOCUMENTS = 65_536;

    private final Service service;
    private final Chat chat;
    private final DocumentOrder order = new DocumentOrder(REMEMBERED_DOCUMENTS);

    ChatEndpoint(Service service, Chat chat) {
        this.service = service;
        this.chat = chat;
    }

    @Override
    public void handle(Exchange exchange, byte[] body) {
        long started = System.nanoTime();
        var fields = Json.parse(body);
        service.model().check(Fields.of(fields).string("model"));
        service.checkGenerates();
        var model = chat.model();
        var usual = service.options().reuse().usual(exchange.tenant());
        var request = ChatRequest.of(fields, service.fabric().model(), usual);
        var urgency = Urgency.of(exchange, Fields.of(fields), service.options().waiting());
        var decoding = request.decoding();
        var mode = request.conversation().documents().reuse();
        service.checkReuse(mode, exchange);
        var conversation = request.conversation().arranged(order, decoding.salt());
        var prompt = model.prompt(conversation, decoding.salt());
        var grammar = grammar(model, request, prompt);
        var reading = read(mode, conversation, prompt, decoding.salt());
        service.announce(reading.served(), exchange);
        var generation =
                new Generation.Order(
                        requests(
                                exchange,
                                request,
                                urgency,
                                prompt,
                                reading.splice(),
                                grammar,
                                retentions(request, conversation, prompt)),
                        decoding.choices(),
                        new Generation.Preparing(
                                prompt.reusedTokens(),
                                prompt.tokens().length - prompt.reusedTokens(),
                                (System.nanoTime() - started) / 1e6,
                                conversation.documents().names(),
                                reading.exactBecause()),
                        account -> remember(model, prompt, account, decoding.salt()));
        var shape =
                new ChatShape(
                        "chatcmpl-" + UUID.randomUUID(),
                        System.currentTimeMillis() / 1000,
                        service.model().name(),
                        urgency.serviceTier(),
                        service.fabric().tokenizer(),
                        () -> reader(model.parser(request.conversation(), prompt)));
        service.generate(exchange, decoding, shape, generation);
    }

    private Service.Reading read(
            ReuseMode mode, Conversation conversation, Prompt prompt, String salt) {
        var model = chat.model();
        var read =
                new PlainPassages.Read(
                        prompt.tokens(),
                        prompt.passages(),
                        mode.splices()
                                ? OptionalInt.of(instructions(model, conversation, prompt, salt))
                                : OptionalInt.empty(),
                        passages ->
                                passages.equals(prompt.passages())
                                        ? ChatModel.lastAsked(conversation)
                                        : model.asked(conversation, prompt, passages, salt),
                        salt);
        return service.read(mode, conversation.documents().written(), read);
    }

    private static int instructions(
            ChatModel model, Conversation conversation, Prompt prompt, String salt) {
        return prompt.passages().isEmpty()
                ? model.instructions(conversation, prompt, salt)
                : prompt.head();
    }

    private static Optional<String> grammar(ChatModel model, ChatRequest request, Prompt prompt) {
        return request.format().isPresent()
                ? request.format().map(format -> model.afterReasoning(format, prompt))
                : model.grammar(request.conversation(), prompt);
    }

    private List<GenerationRequest> requests(
            Exchange exchange,
            ChatRequest request,
            Urgency urgency,
            Prompt prompt,
            Optional<Splice> splice,
            Optional<String> grammar,
            List<Retention> retentions) {
        var decoding = request.decoding();
        int maxTokens =
                AnswerLength.of(
                        prompt.tokens().length,
                        request.maxTokens(),
                        service.options().defaultMaxTokens(),
                        service.fabric().contextTokens(),
                        "messages");
        var requests = new ArrayList<GenerationRequest>();
        for (int i = 0; i < decoding.choices(); i++) {
            requests.add(
                    new GenerationRequest(
                            exchange.requestId() + "-" + i,
                            prompt.tokens(),
                            maxTokens,
                            decoding.sampling(i, grammar),
                            decoding.stops(),
                            decoding.stopTokens(),
                            decoding.ignoreEnd(),
                            decoding.salt(),
                            urgency.standing(),
                            i == 0 ? retentions : List.of(),
                            splice));
        }
        return requests;
    }

    private List<Retention> retentions(
            ChatRequest request, Conversation conversation, Prompt prompt) {
        return request.marks().stream()
                .map(
                        mark ->
                                new Retention(
                                        chat.model()
                                                .tokensOf(
                                                        conversation,
                                                        mark.message() + 1,
                                                        prompt,
                                                        request.decoding().salt()),
                                        mark.ttl()))
                .sorted(Comparator.comparingInt(Retention::tokens))
                .toList();
    }

    /** Costs time that no token should wait for. */
    private void remember(ChatModel model, Prompt prompt, Account account, String salt) {
        Thread.ofVirtual()
                .start(
                        () ->
                                model.remember(
                                        prompt,
                                        service.fabric()
                                                .tokenizer()
                                                .decode(account.generated(), true),
                                        account.generated(),
                                        salt));
    }

    private static PartReader reader(AnswerParser parser) {
        return new PartReader() {
            @Override
            public List<AnswerPart> accept(String text) {
                return text.isEmpty() ? List.of() : parser.accept(text);
            }

            @Override
            public List<AnswerPart> finish() {
                return parser.finish();
            }
        };
    }
}
