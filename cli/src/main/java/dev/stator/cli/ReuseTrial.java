package dev.stator.cli;

import dev.stator.api.chat.ChatModel;
import dev.stator.api.chat.Prompt;
import dev.stator.engine.Sampled;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.NodeFabric;
import dev.stator.serving.Splice;
import dev.stator.serving.Standing;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Puts questions to a node, exactly and spliced, and compares what it answers. */
final class ReuseTrial {
    private static final int ANSWER_TOKENS = 32;
    private static final int TOP = 20;
    private static final List<Integer> BOUNDARIES = List.of(0, 16, 32);

    /** What a token counts with that is not among the likeliest. */
    private static final double UNLIKELY = Math.log(1e-6);

    private static final SamplingOptions GREEDY =
            new SamplingOptions(
                    0,
                    1,
                    0,
                    0,
                    0,
                    0,
                    1,
                    java.util.Map.of(),
                    OptionalLong.empty(),
                    true,
                    TOP,
                    Optional.empty());

    private record Answer(List<Integer> tokens, String text, Sampled first) {}

    private final LlamaEngine engine;
    private final NodeFabric node;
    private final Console console;
    private final ChatModel chat;

    ReuseTrial(LlamaEngine engine, NodeFabric node, Console console) {
        this.engine = engine;
        this.node = node;
        this.console = console;
        this.chat = ChatModel.of(engine.model(), engine.tokenizer());
    }

    ReuseCard card(String model, ReuseQuestions questions) {
        var prompts =
                questions.all().stream().map(q -> chat.prompt(q.conversation(), "eval")).toList();
        if (prompts.stream().noneMatch(prompt -> prompt.passages().size() > 1)) {
            throw Refusal.failed(
                    "the model's chat template does not show the documents' texts as they are, so they cannot be spliced");
        }
        var exact = answers("exact prompts", prompts, -1);
        boolean judged = questions.all().stream().allMatch(q -> q.expected().isPresent());
        var settings = new ArrayList<ReuseCard.Measured>();
        for (int boundary : BOUNDARIES) {
            var spliced = answers("boundary " + boundary, prompts, boundary);
            settings.add(
                    new ReuseCard.Measured(
                            boundary,
                            recomputed(prompts, boundary),
                            part(prompts.size(), i -> same(exact.get(i), spliced.get(i))),
                            judged ? Optional.of(right(questions, spliced)) : Optional.empty(),
                            IntStream.range(0, exact.size())
                                    .mapToDouble(
                                            i ->
                                                    divergence(
                                                            exact.get(i).first,
                                                            spliced.get(i).first))
                                    .average()
                                    .orElse(0)));
        }
        return ReuseCard.of(
                model,
                engine.model().fingerprint(),
                questions.name(),
                prompts.size(),
                ANSWER_TOKENS,
                judged ? Optional.of(right(questions, exact)) : Optional.empty(),
                settings);
    }

    private static boolean same(Answer one, Answer other) {
        return one.tokens.equals(other.tokens);
    }

    private static double right(ReuseQuestions questions, List<Answer> answers) {
        return part(answers.size(), i -> questions.all().get(i).isRight(answers.get(i).text));
    }

    private static double part(int of, java.util.function.IntPredicate holds) {
        return (double) IntStream.range(0, of).filter(holds).count() / of;
    }

    /** Of moved passages: the first stands where it was computed. */
    private static double recomputed(List<Prompt> prompts, int boundary) {
        long moved = 0;
        long again = 0;
        for (var prompt : prompts) {
            for (var passage : prompt.passages().stream().skip(1).toList()) {
                int length = passage.to() - passage.from();
                moved += length;
                again += Math.min(length, boundary);
            }
        }
        return moved == 0 ? 0 : (double) again / moved;
    }

    /** Kullback and Leibler's, of the other from the first, over the first's likeliest tokens. */
    private static double divergence(Sampled exact, Sampled spliced) {
        var other =
                spliced.top().stream()
                        .collect(
                                Collectors.toMap(
                                        Sampled.Candidate::token, each -> (double) each.logprob()));
        double sum = 0;
        for (var each : exact.top()) {
            double log = other.containsKey(each.token()) ? other.get(each.token()) : UNLIKELY;
            sum += Math.exp(each.logprob()) * (each.logprob() - log);
        }
        return Math.max(0, sum);
    }

    /**
     * @param boundary negative: exact prompts
     */
    private List<Answer> answers(String what, List<Prompt> prompts, int boundary) {
        return new Patience(console)
                .during(
                        "answering %d questions, %s".formatted(prompts.size(), what),
                        () -> prompts.stream().map(prompt -> answer(prompt, boundary)).toList());
    }

    private Answer answer(Prompt prompt, int boundary) {
        var splice =
                boundary < 0 || prompt.passages().isEmpty()
                        ? Optional.<Splice>empty()
                        : Optional.of(new Splice(prompt.head(), prompt.passages(), boundary));
        var request =
                new GenerationRequest(
                        "eval",
                        prompt.tokens(),
                        ANSWER_TOKENS,
                        GREEDY,
                        List.of(),
                        Set.of(),
                        false,
                        "eval",
                        Standing.USUAL,
                        splice);
        var heard = new Heard();
        if (node.submit(request, heard) instanceof Admission.Shed shed) {
            throw Refusal.failed("a question was not taken: " + shed.reason());
        }
        return heard.answer.join();
    }

    private static final class Heard implements GenerationListener {
        private final List<Sampled> sampled = new ArrayList<>();
        private final StringBuilder text = new StringBuilder();
        private final CompletableFuture<Answer> answer = new CompletableFuture<>();

        @Override
        public void onToken(GeneratedToken token) {
            sampled.add(token.sampled());
            text.append(token.text());
        }

        @Override
        public void onFinish(FinishReason reason, String tail, Account account) {
            var tokens = sampled.stream().map(Sampled::token).toList();
            answer.complete(new Answer(tokens, text + tail, sampled.getFirst()));
        }

        @Override
        public void onFailure(String message) {
            answer.completeExceptionally(Refusal.failed("a question failed: " + message));
        }
    }
}
