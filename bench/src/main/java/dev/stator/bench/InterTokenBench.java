package dev.stator.bench;

import dev.stator.routing.Mode;
import dev.stator.serving.FabricStats;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Time between the tokens of running answers while long prompts arrive, against the same answers
 * when nothing arrives. A round is a quiet window and, with the same answers going on, a window in
 * which one long prompt after the other is submitted. Prompts that nobody has seen.
 */
@Command(
        name = "itl",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "p99 inter-token time while long prompts arrive / quiet; bar <= 1.2 for disaggregated.")
final class InterTokenBench extends Bench {
    private static final Bar BAR = Bar.atMost(1.2);
    private static final int SHORT_PROMPT = 64;
    private static final int MAX_ANSWER = 4000;

    @Mixin private ModelOptions model = new ModelOptions();

    @Option(names = "--answers", description = "Running answers (default: ${DEFAULT-VALUE}).")
    private int answers = 4;

    @Option(
            names = "--prompt",
            description = "Tokens of a long prompt (default: ${DEFAULT-VALUE}).")
    private int prompt = 4096;

    @Option(names = "--seconds", description = "Length of each window (default: ${DEFAULT-VALUE}).")
    private int seconds = 15;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 3;

    /** The windows' figures of one mode. */
    private record Ratios(List<Double> p99, List<Double> median) {
        Ratios() {
            this(new ArrayList<>(), new ArrayList<>());
        }
    }

    @Override
    public Integer call() {
        int context = Math.max(prompt, SHORT_PROMPT + MAX_ANSWER) + Node.BLOCK_TOKENS;
        int cells = (answers + 2) * context;
        var report =
                report(
                        "itl",
                        BAR,
                        "%s, answers %d, arriving prompts %d, window %d s, rounds %d"
                                .formatted(model.describe(), answers, prompt, seconds, rounds));
        try (var engine = model.load();
                var split =
                        Node.start(
                                engine,
                                Mode.DISAGGREGATED,
                                context,
                                cells,
                                answers + 1,
                                model.threads());
                var aggregated =
                        Node.start(
                                engine,
                                Mode.AGGREGATED,
                                context,
                                cells,
                                answers + 1,
                                model.threads())) {
            var prompts = new Prompts(engine.model().vocabularySize(), System.nanoTime());
            var ofSplit = new Ratios();
            var ofAggregated = new Ratios();
            for (int round = 1; round <= rounds; round++) {
                round(report, round, "split", split, prompts, ofSplit);
                round(report, round, "aggregated", aggregated, prompts, ofAggregated);
            }
            report.extra("itl.split.median", Samples.of(ofSplit.median).median());
            report.extra("itl.aggregated.median", Samples.of(ofAggregated.median).median());
            report.extra("itl.aggregated.p99", Samples.of(ofAggregated.p99).median());
            report.ratio("itl.split.p99", Samples.of(ofSplit.p99).median());
        }
        return report.end();
    }

    private void round(
            Report report, int round, String name, Node node, Prompts prompts, Ratios ratios) {
        var running =
                Stream.generate(() -> node.ask(prompts.next(SHORT_PROMPT), MAX_ANSWER))
                        .limit(answers)
                        .toList();
        running.forEach(Answer::awaitFirst);
        long quietFrom = System.nanoTime();
        sleepUntil(quietFrom + TimeUnit.SECONDS.toNanos(seconds));
        long quietUntil = System.nanoTime();
        long before = computedTokens(node.stats());
        int arrived = load(node, prompts, quietUntil + TimeUnit.SECONDS.toNanos(seconds));
        long loadUntil = System.nanoTime();
        long computed = computedTokens(node.stats()) - before;
        var quiet = gaps(running, quietFrom, quietUntil);
        var loaded = gaps(running, quietUntil, loadUntil);
        computed -= loaded.size();
        running.forEach(Answer::cancel);
        ratios.p99.add(loaded.quantile(0.99) / quiet.quantile(0.99));
        ratios.median.add(loaded.median() / quiet.median());
        report.line(
                "round %d: %-10s quiet median %.1f p99 %.1f max %.1f ms, loaded median %.1f p99 %.1f max %.1f ms,"
                        + " %d prompts arrived, %.0f prompt tokens/s beside",
                round,
                name,
                quiet.median(),
                quiet.quantile(0.99),
                quiet.max(),
                loaded.median(),
                loaded.quantile(0.99),
                loaded.max(),
                arrived,
                computed / ((loadUntil - quietUntil) / 1e9));
    }

    /**
     * Keeps one long prompt in the node until the deadline.
     *
     * @return how many there were
     */
    private int load(Node node, Prompts prompts, long deadline) {
        int arrived = 0;
        while (System.nanoTime() < deadline) {
            var arriving = node.ask(prompts.next(prompt), 1);
            arrived++;
            while (arriving.count() == 0 && System.nanoTime() < deadline) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
            }
            arriving.cancel();
        }
        return arrived;
    }

    private static void sleepUntil(long deadline) {
        for (long left = deadline - System.nanoTime();
                left > 0;
                left = deadline - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private static Samples gaps(List<Answer> answers, long from, long until) {
        return Samples.of(
                answers.stream()
                        .flatMapToDouble(answer -> Arrays.stream(answer.gapsBetween(from, until)))
                        .toArray());
    }

    /** Tokens computed so far, those of the answers among them. */
    private static long computedTokens(FabricStats stats) {
        return stats.workers().stream().mapToLong(FabricStats.Worker::computedTokens).sum();
    }
}
