package dev.stator.bench;

import dev.stator.routing.Explained;
import dev.stator.routing.Mode;
import dev.stator.routing.Plan;
import dev.stator.routing.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * How well the router predicts the time from dispatch to the first token, on a node under mixed
 * load: prompts of all lengths, some of which repeat what others began with, beside running
 * answers.
 *
 * <p>The reference is what then happened. The first requests, from which the router learns its
 * speeds, do not count.
 */
@Command(
        name = "prediction",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Median |predicted - actual| / actual time to the first token, mixed load; bar <="
                        + " 0.2.")
final class PredictionBench extends Bench {
    private static final Bar BAR = Bar.atMost(0.2);

    @Mixin private ModelOptions model = new ModelOptions();

    @Option(names = "--requests", description = "That count (default: ${DEFAULT-VALUE}).")
    private int requests = 60;

    @Option(names = "--learning", description = "Before those (default: ${DEFAULT-VALUE}).")
    private int learning = 20;

    @Option(names = "--at-once", description = "Requests in flight (default: ${DEFAULT-VALUE}).")
    private int atOnce = 3;

    @Option(names = "--longest", description = "Prompt tokens (default: ${DEFAULT-VALUE}).")
    private int longest = 768;

    @Option(names = "--seed", description = "Default: ${DEFAULT-VALUE}.")
    private long seed = 1;

    @Option(
            names = "--each",
            description = "Print what was predicted of each request, and what it took.")
    private boolean each;

    @Override
    public Integer call() {
        int context = longest + 128;
        var report =
                report(
                        "prediction",
                        BAR,
                        "%s, prompts of 32 to %d tokens, half of them with a known beginning, answers of 8 to 64, %d at once, %d requests after %d, mode auto, seed %d"
                                .formatted(
                                        model.describe(),
                                        longest,
                                        atOnce,
                                        requests,
                                        learning,
                                        seed));
        try (var engine = model.load();
                var node =
                        Node.start(engine, Mode.AUTO, context, 8 * context, 8, model.threads())) {
            var load = new Load(new Prompts(engine.model().vocabularySize(), seed), seed);
            run(node, load, learning);
            judge(report, run(node, load, requests));
        }
        return report.end();
    }

    private static String line(Explained one) {
        var request = one.decision().request();
        var plan = one.decision().plan();
        var line =
                new StringBuilder(
                        "%d %s, %d of %d blocks, %d tokens:"
                                .formatted(
                                        request.id(),
                                        plan instanceof Plan.Split ? "split" : "aggregated",
                                        plan.supply().blocks(),
                                        request.keys().length,
                                        request.promptTokens()));
        for (var stage : Stage.values()) {
            line.append(
                    " %s %.0f / %.0f"
                            .formatted(
                                    stage.name().toLowerCase(Locale.ROOT),
                                    stage.of(plan.prediction()),
                                    stage.of(one.actual().orElseThrow())));
        }
        return line.toString();
    }

    /** A stream of prompts. */
    private final class Load {
        private final Prompts prompts;
        private final Random random;
        private final List<int[]> known = new ArrayList<>();

        Load(Prompts prompts, long seed) {
            this.prompts = prompts;
            this.random = new Random(seed);
        }

        int[] next() {
            int tokens = random.nextInt(32, longest + 1);
            int[] prompt = prompts.next(tokens);
            if (!known.isEmpty() && random.nextBoolean()) {
                int[] begun = known.get(random.nextInt(known.size()));
                int shared = random.nextInt(Math.min(begun.length, tokens));
                System.arraycopy(begun, 0, prompt, 0, shared);
            }
            known.add(prompt);
            return prompt;
        }

        int answer() {
            return random.nextInt(8, 65);
        }
    }

    private List<Explained> run(Node node, Load load, int count) {
        var running = new ArrayList<Answer>();
        var routed = new ArrayList<Explained>();
        for (int i = 0; i < count; i++) {
            if (running.size() == atOnce) {
                routed.add(running.removeFirst().awaitEnd().routed().orElseThrow());
            }
            running.add(node.ask(load.next(), load.answer()));
        }
        running.forEach(answer -> routed.add(answer.awaitEnd().routed().orElseThrow()));
        return routed;
    }

    private void judge(Report report, List<Explained> routed) {
        if (each) {
            routed.forEach(one -> report.line("%s", line(one)));
        }
        for (var stage : Stage.values()) {
            var errors = new ArrayList<Double>();
            double predictedSum = 0;
            double actualSum = 0;
            for (var one : routed) {
                double predicted = stage.of(one.decision().plan().prediction());
                double actual = stage.of(one.actual().orElseThrow());
                predictedSum += predicted;
                actualSum += actual;
                errors.add(Math.abs(predicted - actual) / Math.max(1, actual));
            }
            var samples = Samples.of(errors);
            report.line(
                    "%-11s predicted %.0f ms, actual %.0f ms on average; error median %.3f, p95 %.3f",
                    stage,
                    predictedSum / routed.size(),
                    actualSum / routed.size(),
                    samples.median(),
                    samples.quantile(0.95));
            if (stage == Stage.FIRST_TOKEN) {
                report.ratio("prediction.first-token.median", samples.median());
            }
        }
    }
}
