package dev.stator.api;

import dev.stator.api.chat.AnswerParser;
import dev.stator.api.chat.AnswerPart;
import dev.stator.api.chat.ChatModel;
import dev.stator.api.chat.Conversation;
import dev.stator.api.chat.Prompt;
import dev.stator.api.documents.Document;
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
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Answers conversations, whichever API they came through. Thread-safe. */
final class Conversations {
    /** How an API writes answers. */
    interface Writing {
        /**
         * @param promptTokens of the conversation as the model reads it
         * @param readers a fresh parser for each answer
         */
        Output output(int promptTokens, Supplier<PartReader> readers);
    }

    private final Service service;
    private final Chat chat;
    private final DocumentOrder order;
    private final Optional<Library> library;
    private final KeptAnswers kept;

    Conversations(Service service, Chat chat, DocumentOrder order, Optional<Library> library) {
        this.service = service;
        this.chat = chat;
        this.order = order;
        this.library = library;
        this.kept = new KeptAnswers(service);
    }

    /** The model's own way of holding a conversation; refuses the request if it has none. */
    ChatModel model() {
        return chat.model();
    }

    /**
     * Submits a request for its answers.
     *
     * @param startedNanos when its preparation began
     */
    void answer(
            Exchange exchange,
            ChatRequest request,
            Urgency urgency,
            long startedNanos,
            Writing writing) {
        var model = chat.model();
        var decoding = request.decoding();
        var mode = request.conversation().documents().reuse();
        service.checkReuse(mode, exchange);
        kept.check(request, exchange);
        var owner = new StoredDocument.Owner(exchange.tenant(), decoding.salt());
        var conversation = resolved(request.conversation(), owner).arranged(order, decoding.salt());
        var prompt = model.prompt(conversation, decoding.salt());
        var grammar = grammar(model, request, prompt);
        int maxTokens = maxTokens(request, prompt);
        var output =
                kept.orCompute(
                        new KeptAnswers.Asked(
                                exchange, request, conversation, prompt.tokens().length, maxTokens),
                        writing.output(
                                prompt.tokens().length,
                                () -> reader(model.parser(request.conversation(), prompt))));
        if (output.isEmpty()) {
            return;
        }
        var reading = read(mode, conversation, prompt, decoding.salt());
        service.announce(reading.served(), exchange);
        var requests =
                requests(
                        exchange,
                        request,
                        urgency,
                        prompt,
                        reading.splice(),
                        grammar,
                        maxTokens,
                        retentions(request, conversation, prompt));
        var made = made(requests.getFirst(), conversation, prompt);
        made.accept(new int[0]);
        var generation =
                new Generation.Order(
                        requests,
                        decoding.choices(),
                        new Generation.Preparing(
                                prompt.reusedTokens(),
                                prompt.tokens().length - prompt.reusedTokens(),
                                (System.nanoTime() - startedNanos) / 1e6,
                                conversation.documents().names(),
                                reading.exactBecause()),
                        account -> {
                            made.accept(account.generated());
                            remember(model, prompt, account, decoding.salt());
                        });
        service.generate(exchange, output.get(), generation);
    }

    private Conversation resolved(Conversation conversation, StoredDocument.Owner owner) {
        return resolved(library, conversation, owner);
    }

    /**
     * The same with the texts of the stored documents that it names.
     *
     * @throws ApiException if there is none of an id
     */
    static Conversation resolved(
            Optional<Library> library, Conversation conversation, StoredDocument.Owner owner) {
        var documents = conversation.documents();
        if (library.isPresent()) {
            return conversation.withDocuments(library.get().resolve(documents, owner));
        }
        documents.given().stream()
                .filter(Document::isReference)
                .findFirst()
                .flatMap(Document::id)
                .ifPresent(
                        id -> {
                            throw new ApiException(
                                    new ApiError.UnknownDocument(id, Optional.of("documents")));
                        });
        return conversation;
    }

    /** Notes which stored documents a prompt holds; to be told what has been generated. */
    private Consumer<int[]> made(
            GenerationRequest request, Conversation conversation, Prompt prompt) {
        var origins =
                library.map(its -> its.origins(prompt, conversation.documents(), request.salt()))
                        .orElse(List.of());
        return answer ->
                service.fabric().texts().ifPresent(its -> its.hold(request, answer, origins));
    }

    /** How many tokens the model would read. */
    int count(Conversation named, StoredDocument.Owner owner) {
        var conversation = resolved(named, owner);
        // Arranged by itself: no prompt is made that others could share.
        var arranged = conversation.arranged(new DocumentOrder(1), "");
        return chat.model().prompt(arranged, "").tokens().length;
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

    private int maxTokens(ChatRequest request, Prompt prompt) {
        return AnswerLength.of(
                prompt.tokens().length,
                request.maxTokens(),
                service.options().defaultMaxTokens(),
                service.fabric().contextTokens(),
                "messages");
    }

    private List<GenerationRequest> requests(
            Exchange exchange,
            ChatRequest request,
            Urgency urgency,
            Prompt prompt,
            Optional<Splice> splice,
            Optional<String> grammar,
            int maxTokens,
            List<Retention> retentions) {
        var decoding = request.decoding();
        var withheld = chat.model().withheld(request.conversation());
        var requests = new ArrayList<GenerationRequest>();
        for (int i = 0; i < decoding.choices(); i++) {
            var sampling = decoding.sampling(i, grammar);
            requests.add(
                    new GenerationRequest(
                            exchange.requestId() + "-" + i,
                            prompt.tokens(),
                            maxTokens,
                            withheld.isPresent() ? sampling.without(withheld.getAsInt()) : sampling,
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
