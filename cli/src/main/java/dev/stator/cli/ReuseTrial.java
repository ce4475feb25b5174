package dev.stator.cli;

import dev.stator.api.chat.ChatModel;
import dev.stator.api.chat.Conversation;
import dev.stator.api.chat.Prompt;
import dev.stator.api.documents.AcrossDocuments;
import dev.stator.engine.Certainty;
import dev.stator.engine.Engine;
import dev.stator.engine.Sampled;
import dev.stator.engine.SamplingOptions;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.Guard;
import dev.stator.serving.NodeFabric;
import dev.stator.serving.Splice;
import java.util.ArrayList;
import java.util.Arrays;
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

    private static final int[] BOUNDARIES = {0, 16, 32};
    private static final double[] BUDGETS = {0, 0.05, 0.10, 0.15, 0.25};

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

    private record Setting(int boundary, double budget) {}

    /** What is put to the node. */
    private record Asked(Prompt prompt, Optional<Splice> splice) {
        /** Tokens of moved passages. */
        int moved() {
            return prompt.passages().stream().skip(1).mapToInt(p -> p.to() - p.from()).sum();
        }
    }

    /**
     * @param certainty of the first token; only of spliced answers
     */
    private record Answer(
            List<Integer> tokens,
            String text,
            Sampled first,
            int spliced,
            Optional<Certainty> certainty) {}

    private final Engine engine;
    private final NodeFabric node;
    private final Console console;
    private final ChatModel chat;

    ReuseTrial(Engine engine, NodeFabric node, Console console) {
        this.engine = engine;
        this.node = node;
        this.console = console;
        this.chat = ChatModel.of(engine.model(), engine.tokenizer());
    }

    /**
     * @param all go on behind the first setting that is good enough
     */
    ReuseCard card(String model, ReuseQuestions questions, boolean all) {
        var prompts =
                questions.all().stream().map(q -> chat.prompt(q.conversation(), "eval")).toList();
        if (prompts.stream().noneMatch(prompt -> prompt.passages().size() > 1)) {
            throw Refusal.failed(
                    "the model's chat template does not show the documents' texts as they are, so they cannot be spliced");
        }
        var exact =
                answers(
                        "exact prompts",
                        prompts.stream().map(p -> new Asked(p, Optional.empty())).toList());
        Optional<Double> right =
                questions.all().stream().allMatch(q -> q.expected().isPresent())
                        ? Optional.of(right(questions, exact))
                        : Optional.empty();
        var measured = new ArrayList<ReuseCard.Measured>();
        for (var setting : settings()) {
            var one = measure(setting, questions, prompts, exact, right.isPresent());
            measured.add(one);
            if (one.isGoodEnough(right) && !all) {
                break;
            }
        }
        return ReuseCard.of(
                model,
                engine.model().fingerprint(),
                questions.name(),
                prompts.size(),
                ANSWER_TOKENS,
                right,
                measured);
    }

    private static List<Setting> settings() {
        return Arrays.stream(BOUNDARIES)
                .boxed()
                .flatMap(k -> Arrays.stream(BUDGETS).mapToObj(budget -> new Setting(k, budget)))
                .toList();
    }

    private ReuseCard.Measured measure(
            Setting setting,
            ReuseQuestions questions,
            List<Prompt> prompts,
            List<Answer> exact,
            boolean judged) {
        var asked =
                IntStream.range(0, prompts.size())
                        .mapToObj(
                                i ->
                                        new Asked(
                                                prompts.get(i),
                                                splice(
                                                        questions.all().get(i).conversation(),
                                                        prompts.get(i),
                                                        setting)))
                        .toList();
        var spliced =
                answers(
                        "boundary %d, windows %.0f %%"
                                .formatted(setting.boundary, 100 * setting.budget),
                        asked);
        long moved = asked.stream().mapToLong(Asked::moved).sum();
        long kept = spliced.stream().mapToLong(Answer::spliced).sum();
        return new ReuseCard.Measured(
                setting.boundary,
                setting.budget,
                moved == 0 ? 0 : 1 - (double) kept / moved,
                part(prompts.size(), i -> same(exact.get(i), spliced.get(i))),
                judged ? Optional.of(right(questions, spliced)) : Optional.empty(),
                IntStream.range(0, exact.size())
                        .mapToDouble(i -> divergence(exact.get(i).first, spliced.get(i).first))
                        .average()
                        .orElse(0),
                GuardSearch.of(pairs(questions, exact, spliced), judged));
    }

    /** As a server would: questions that need the documents together are answered exactly. */
    private Optional<Splice> splice(Conversation conversation, Prompt prompt, Setting setting) {
        var documents = conversation.documents().written();
        var question = ChatModel.lastAsked(conversation);
        return AcrossDocuments.reason(documents, question).isPresent()
                ? Optional.empty()
                : chat.splice(conversation, prompt, setting.boundary, setting.budget)
                        .map(its -> its.guarded(Guard.WATCHING));
    }

    private static List<GuardSearch.Pair> pairs(
            ReuseQuestions questions, List<Answer> exact, List<Answer> spliced) {
        return IntStream.range(0, exact.size())
                .filter(i -> spliced.get(i).certainty.isPresent())
                .mapToObj(
                        i ->
                                new GuardSearch.Pair(
                                        spliced.get(i).certainty.orElseThrow(),
                                        same(exact.get(i), spliced.get(i)),
                                        questions.all().get(i).isRight(exact.get(i).text),
                                        questions.all().get(i).isRight(spliced.get(i).text)))
                .toList();
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

    private List<Answer> answers(String what, List<Asked> all) {
        return new Patience(console)
                .during(
                        "answering %d questions, %s".formatted(all.size(), what),
                        () -> all.stream().map(this::answer).toList());
    }

    private Answer answer(Asked asked) {
        var exact =
                new GenerationRequest(
                        "eval",
                        asked.prompt.tokens(),
                        ANSWER_TOKENS,
                        GREEDY,
                        List.of(),
                        Set.of(),
                        false,
                        "eval");
        var request = asked.splice.map(exact::withSplice).orElse(exact);
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
            answer.complete(
                    new Answer(
                            tokens,
                            text + tail,
                            sampled.getFirst(),
                            account.splicedTokens(),
                            account.guarded().map(Account.Guarded::certainty)));
        }

        @Override
        public void onFailure(String message) {
            answer.completeExceptionally(Refusal.failed("a question failed: " + message));
        }
    }
}
