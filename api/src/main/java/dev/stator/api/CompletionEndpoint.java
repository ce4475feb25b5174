package dev.stator.api;

import dev.stator.api.documents.ReuseMode;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GenerationRequest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;

/** {@code POST /v1/completions}. */
final class CompletionEndpoint implements Endpoint {
    private final Service service;

    CompletionEndpoint(Service service) {
        this.service = service;
    }

    @Override
    public void handle(Exchange exchange, byte[] body) {
        long started = System.nanoTime();
        var fields = Json.parse(body);
        service.model().check(Fields.of(fields).string("model"));
        service.checkGenerates();
        var usual = service.options().reuse().usual(exchange.tenant());
        var request = CompletionRequest.of(fields, service.fabric().model(), usual);
        service.checkReuse(request.reuse(), exchange);
        var urgency = Urgency.of(exchange, Fields.of(fields), service.options().waiting());
        var prompts = request.prompts().stream().map(this::tokens).toList();
        int computed = 0;
        for (int i = 0; i < prompts.size(); i++) {
            computed +=
                    request.prompts().get(i) instanceof CompletionRequest.Input.Text
                            ? prompts.get(i).length
                            : 0;
        }
        var shape =
                new CompletionShape(
                        "cmpl-" + UUID.randomUUID(),
                        System.currentTimeMillis() / 1000,
                        service.model().name(),
                        urgency.serviceTier(),
                        service.fabric().tokenizer(),
                        echoes(request));
        if (request.maxTokens() == 0) {
            echoOnly(exchange, request, prompts, shape);
            return;
        }
        var readings =
                prompts.stream()
                        .map(prompt -> read(request.reuse(), prompt, request.decoding().salt()))
                        .toList();
        service.announce(
                readings.stream()
                        .map(Service.Reading::served)
                        .max(Comparator.naturalOrder())
                        .orElse(request.reuse()),
                exchange);
        var order =
                new Generation.Order(
                        requests(exchange, request, urgency, prompts, readings),
                        request.decoding().choices(),
                        new Generation.Preparing(
                                0,
                                computed,
                                (System.nanoTime() - started) / 1e6,
                                List.of(),
                                readings.getFirst().exactBecause()),
                        _ -> {});
        service.generate(
                exchange,
                service.output(exchange, request.decoding(), shape, order.requests().size()),
                order);
    }

    private int[] tokens(CompletionRequest.Input input) {
        return switch (input) {
            case CompletionRequest.Input.Tokens(var tokens) -> tokens;
            case CompletionRequest.Input.Text(var text) ->
                    service.fabric().tokenizer().encode(text, true, true);
        };
    }

    private List<String> echoes(CompletionRequest request) {
        var echoes = new ArrayList<String>();
        for (var prompt : request.prompts()) {
            var echo =
                    switch (prompt) {
                        case CompletionRequest.Input _ when !request.echo() -> "";
                        case CompletionRequest.Input.Text(var text) -> text;
                        case CompletionRequest.Input.Tokens(var tokens) ->
                                service.fabric().tokenizer().decode(tokens, true);
                    };
            for (int i = 0; i < request.decoding().choices(); i++) {
                echoes.add(echo);
            }
        }
        return echoes;
    }

    private List<GenerationRequest> requests(
            Exchange exchange,
            CompletionRequest request,
            Urgency urgency,
            List<int[]> prompts,
            List<Service.Reading> readings) {
        var decoding = request.decoding();
        var requests = new ArrayList<GenerationRequest>();
        for (int at = 0; at < prompts.size(); at++) {
            int[] prompt = prompts.get(at);
            int maxTokens =
                    AnswerLength.of(
                            prompt.length,
                            OptionalInt.of(request.maxTokens()),
                            0,
                            service.fabric().contextTokens(),
                            "prompt");
            var splice = readings.get(at).splice();
            for (int i = 0; i < decoding.choices(); i++) {
                var exact =
                        new GenerationRequest(
                                exchange.requestId() + "-" + requests.size(),
                                prompt,
                                maxTokens,
                                decoding.sampling(i, Optional.empty()),
                                decoding.stops(),
                                decoding.stopTokens(),
                                decoding.ignoreEnd(),
                                decoding.salt(),
                                urgency.standing());
                requests.add(splice.map(exact::withSplice).orElse(exact));
            }
        }
        return requests;
    }

    /** Asked is what stands behind the last passage. */
    private Service.Reading read(ReuseMode mode, int[] prompt, String salt) {
        return service.read(
                mode,
                List.of(),
                new PlainPassages.Read(
                        prompt,
                        List.of(),
                        OptionalInt.empty(),
                        passages ->
                                service.fabric()
                                        .tokenizer()
                                        .decode(
                                                Arrays.copyOfRange(
                                                        prompt,
                                                        passages.getLast().to(),
                                                        prompt.length),
                                                false),
                        salt));
    }

    /** With {@code max_tokens} 0 the engine has nothing to do. */
    private void echoOnly(
            Exchange exchange, CompletionRequest request, List<int[]> prompts, Shape shape) {
        int answers = prompts.size() * request.decoding().choices();
        var output = service.output(exchange, request.decoding(), shape, answers);
        int tokens = prompts.stream().mapToInt(prompt -> prompt.length).sum();
        exchange.loop()
                .post(
                        () -> {
                            output.open();
                            for (int i = 0; i < answers; i++) {
                                output.finish(i, FinishReason.LENGTH, "");
                            }
                            output.complete(new Usage(tokens, 0, 0, 0), Optional.empty());
                        });
    }
}
