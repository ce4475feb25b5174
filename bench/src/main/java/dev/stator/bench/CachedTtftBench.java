package dev.stator.bench;

import dev.stator.routing.Mode;
import dev.stator.serving.Account;
import java.util.ArrayList;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Time to the first token of a prompt that is in the cache, against the same prompt when nobody had
 * seen it. From the submission to a node to its first token; without HTTP.
 *
 * <p>Two nodes: one whose decode worker has no room to keep a sequence that ended, so that the
 * prompt comes from the host tier as it does on any other worker; and one that keeps it on the
 * device.
 */
@Command(
        name = "cached-ttft",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "TTFT of a fully cached prompt / cold; bar <= 1/200.")
final class CachedTtftBench extends Bench {
    private static final Bar BAR = Bar.atMost(1 / 200.0);
    private static final int ANSWER = 4;

    @Mixin private ModelOptions model = new ModelOptions();

    @Option(names = "--prompt", description = "Tokens of the prompt (default: ${DEFAULT-VALUE}).")
    private int prompt = 4096;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 3;

    @Option(
            names = "--hits",
            description = "Cached requests after each cold one (default: ${DEFAULT-VALUE}).")
    private int hits = 5;

    /** What comes out of the rounds of one node. */
    private record Times(
            ArrayList<Double> ratios, ArrayList<Double> colds, ArrayList<Double> cached) {
        Times() {
            this(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        }
    }

    @Override
    public Integer call() {
        int context = prompt + Node.BLOCK_TOKENS;
        int small = 2 * context;
        int large = (Node.CELLS_PER_RESIDENT_CELL + 1) * context;
        var report =
                report(
                        "cached-ttft",
                        BAR,
                        "%s, prompt %d, block %d, step %d, mode auto, rounds %d, hits a round %d"
                                .formatted(
                                        model.describe(),
                                        prompt,
                                        Node.BLOCK_TOKENS,
                                        Node.STEP_TOKENS,
                                        rounds,
                                        hits));
        try (var engine = model.load();
                var host = Node.start(engine, Mode.AUTO, context, small, 8, model.threads());
                var device = Node.start(engine, Mode.AUTO, context, large, 8, model.threads())) {
            var prompts = new Prompts(engine.model().vocabularySize(), System.nanoTime());
            warmUp(host, prompts);
            warmUp(device, prompts);
            var fromHost = new Times();
            var fromDevice = new Times();
            for (int round = 1; round <= rounds; round++) {
                round(report, round, host, "host", prompts.next(prompt), fromHost);
                round(report, round, device, "device", prompts.next(prompt), fromDevice);
            }
            result(report, "host", fromHost);
            result(report, "device", fromDevice);
        }
        return report.end();
    }

    private static void result(Report report, String source, Times times) {
        report.line(
                "%s: cold %.0f ms, cached median %.1f ms, max %.1f ms",
                source,
                Samples.of(times.colds).median(),
                Samples.of(times.cached).median(),
                Samples.of(times.cached).max());
        report.ratio("cached-ttft." + source, Samples.of(times.ratios).median());
    }

    private void warmUp(Node node, Prompts prompts) {
        int[] warm = prompts.next(Math.min(prompt, 512));
        for (int i = 0; i < 3; i++) {
            node.ask(warm, ANSWER).awaitEnd();
        }
    }

    private void round(
            Report report, int round, Node node, String source, int[] tokens, Times times) {
        var cold = node.ask(tokens, ANSWER);
        Node.expectFrom(cold.awaitEnd(), "computed", prompt);
        var cached = new ArrayList<Double>();
        Account account = cold.awaitEnd();
        for (int hit = 0; hit < hits; hit++) {
            var again = node.ask(tokens, ANSWER);
            account = again.awaitEnd();
            Node.expectFrom(account, source, prompt - 1);
            cached.add(again.firstMillis());
        }
        double ratio = Samples.of(cached).median() / cold.firstMillis();
        times.ratios.add(ratio);
        times.colds.add(cold.firstMillis());
        times.cached.addAll(cached);
        report.line(
                "round %d: %-6s cold %.0f ms (%s), cached median %.1f ms (%s, last stages %s), 1/%.0f",
                round,
                source,
                cold.firstMillis(),
                cold.awaitEnd().plan(),
                Samples.of(cached).median(),
                account.plan(),
                Stages.of(account),
                1 / ratio);
    }
}
