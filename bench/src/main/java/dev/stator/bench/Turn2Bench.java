package dev.stator.bench;

import dev.stator.routing.Mode;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Time to the first token of a conversation's second turn, against a prompt of the same length that
 * nobody has seen. The history is the first prompt and the answer that decode generated to it; the
 * second prompt repeats it and adds the user's next words.
 *
 * <p>Two nodes, as in {@link CachedTtftBench}: one has to fetch the history from the host tier, one
 * has it on the device.
 */
@Command(
        name = "turn2",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "TTFT of a conversation's turn 2 / cold; bar <= 1/50.")
final class Turn2Bench extends Bench {
    private static final Bar BAR = Bar.atMost(1 / 50.0);

    @Mixin private ModelOptions model = new ModelOptions();

    @Option(
            names = "--history",
            description = "Tokens of turn 1, prompt and answer (default: ${DEFAULT-VALUE}).")
    private int history = 4096;

    @Option(
            names = "--answer",
            description = "Tokens of turn 1's answer (default: ${DEFAULT-VALUE}).")
    private int answer = 128;

    @Option(names = "--new", description = "Tokens that turn 2 adds (default: ${DEFAULT-VALUE}).")
    private int added = 32;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 3;

    @Override
    public Integer call() {
        int context = history + added + Node.BLOCK_TOKENS;
        int small = 2 * context;
        int large = (Node.CELLS_PER_RESIDENT_CELL + 1) * context;
        var report =
                report(
                        "turn2",
                        BAR,
                        "%s, history %d of which answer %d, new %d, block %d, step %d, mode auto, rounds %d"
                                .formatted(
                                        model.describe(),
                                        history,
                                        answer,
                                        added,
                                        Node.BLOCK_TOKENS,
                                        Node.STEP_TOKENS,
                                        rounds));
        try (var engine = model.load();
                var host = Node.start(engine, Mode.AUTO, context, small, 8, model.threads());
                var device = Node.start(engine, Mode.AUTO, context, large, 8, model.threads())) {
            var prompts = new Prompts(engine.model().vocabularySize(), System.nanoTime());
            var fromHost = new ArrayList<Double>();
            var fromDevice = new ArrayList<Double>();
            for (var node : List.of(host, device)) {
                int[] warm = prompts.next(256);
                node.ask(warm, 4).awaitEnd();
                node.ask(warm, 4).awaitEnd();
            }
            for (int round = 1; round <= rounds; round++) {
                fromHost.add(round(report, round, host, "host", prompts));
                fromDevice.add(round(report, round, device, "device", prompts));
            }
            report.ratio("turn2.host", Samples.of(fromHost).median());
            report.ratio("turn2.device", Samples.of(fromDevice).median());
        }
        return report.end();
    }

    private double round(Report report, int round, Node node, String source, Prompts prompts) {
        var cold = node.ask(prompts.next(history + added), 1);
        Node.expectFrom(cold.awaitEnd(), "computed", history + added);
        int[] first = prompts.next(history - answer);
        var turn1 = node.ask(first, answer);
        turn1.awaitEnd();
        var turn2 = node.ask(Prompts.joined(first, turn1.tokens(), prompts.next(added)), 4);
        var account = turn2.awaitEnd();
        // Reused is all that is known but what a tile of attention takes to be full.
        int least = history + added - Node.TILE_TOKENS - 1;
        if (account.promptTokensBySource().getOrDefault(source, 0) < least) {
            throw new BenchException(
                    "at least %d prompt tokens should have come from %s, but they came from %s (%s)"
                            .formatted(
                                    least, source, account.promptTokensBySource(), account.plan()));
        }
        double ratio = turn2.firstMillis() / cold.firstMillis();
        report.line(
                "round %d: %-6s cold %.0f ms (%s), turn 2 %.1f ms (%s, %s, stages %s), 1/%.0f",
                round,
                source,
                cold.firstMillis(),
                cold.awaitEnd().plan(),
                turn2.firstMillis(),
                account.plan(),
                account.promptTokensBySource(),
                Stages.of(account),
                1 / ratio);
        return ratio;
    }
}
