package dev.stator.bench;

import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.LlamaVocabulary;
import dev.stator.routing.Policy;
import java.util.ArrayList;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Time to the first token of a prompt that another node of the cluster has computed, against the
 * same prompt on the node that has computed it, and when nobody had seen it. Two nodes, processes
 * of their own, take turns behind a frontend. Without HTTP.
 */
@Command(
        name = "peer-ttft",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "TTFT of a prompt cached on another node / (3 x cached on this node), and",
            "/ (cold / 60); bar <= 1."
        })
final class PeerTtftBench extends Bench {
    private static final Bar BAR = Bar.atMost(1);
    private static final double TIMES_HERE = 3;
    private static final double PART_OF_COLD = 60;
    private static final int ANSWER = 4;

    @Mixin private ModelOptions model = new ModelOptions();

    @Option(names = "--prompt", description = "Tokens of the prompt (default: ${DEFAULT-VALUE}).")
    private int prompt = 4096;

    @Option(names = "--rounds", description = "Prompts (default: ${DEFAULT-VALUE}).")
    private int rounds = 3;

    @Option(names = "--keyed", description = "With a cluster key: everything is encrypted.")
    private boolean keyed;

    @Override
    public Integer call() {
        var report =
                report(
                        "peer-ttft",
                        BAR,
                        "%s, prompt %d, block %d, %s, rounds %d"
                                .formatted(
                                        model.describe(),
                                        prompt,
                                        Node.BLOCK_TOKENS,
                                        keyed ? "with a cluster key" : "no cluster key",
                                        rounds));
        int context = prompt + Node.BLOCK_TOKENS;
        int port = ClusterFrontend.freePort();
        var what = ClusterNodeProcess.llama(model, context, 2 * context, 8, model.threads());
        try (var vocabulary =
                        LlamaVocabulary.load(LlamaOptions.of(model.file(), model.libraries()));
                var first = ClusterNodeProcess.start("a", port, 0, keyed, what);
                var second =
                        ClusterNodeProcess.start(
                                "b", ClusterFrontend.freePort(), port, keyed, what)) {
            first.expect("ready");
            second.expect("ready");
            try (var frontend =
                    ClusterFrontend.join(
                            port,
                            keyed,
                            Policy.ROUND_ROBIN,
                            context,
                            vocabulary.model(),
                            vocabulary.tokenizer())) {
                measure(report, frontend.awaitNodes(2), vocabulary.model().vocabularySize());
            }
        }
        return report.end();
    }

    private void measure(Report report, ClusterFrontend frontend, int words) {
        var prompts = new Prompts(words, System.nanoTime());
        // Code is compiled, connections are made, and the speeds of the ways are known.
        for (int i = 0; i < 2; i++) {
            int[] warm = prompts.next(Math.min(prompt, 256));
            for (int turn = 0; turn < 4; turn++) {
                frontend.ask(warm, ANSWER).awaitEnd();
                ClusterFrontend.settle();
            }
        }
        var toHere = new ArrayList<Double>();
        var toCold = new ArrayList<Double>();
        for (int round = 1; round <= rounds; round++) {
            int[] tokens = prompts.next(prompt);
            double cold = firstMillis(frontend, tokens, "computed", prompt);
            double elsewhere = firstMillis(frontend, tokens, "peer", prompt - 1);
            double here = firstMillis(frontend, tokens, "host", prompt - 1);
            // The nodes have had their turns; the next prompt begins with the first again.
            double there = firstMillis(frontend, tokens, "host", prompt - 1);
            report.line(
                    "round %d: cold %.0f ms, cached on the other node %.1f ms, on this one %.1f and %.1f ms",
                    round, cold, elsewhere, here, there);
            toHere.add(elsewhere / Samples.of(here, there).median());
            toCold.add(elsewhere / cold);
        }
        report.extra("peer-ttft.to-this-node", Samples.of(toHere).median());
        report.extra("peer-ttft.to-cold", Samples.of(toCold).median());
        report.ratio("peer-ttft.3-times-this-node", Samples.of(toHere).median() / TIMES_HERE);
        report.ratio("peer-ttft.60th-of-cold", Samples.of(toCold).median() * PART_OF_COLD);
    }

    private static double firstMillis(
            ClusterFrontend frontend, int[] prompt, String source, int tokens) {
        var answer = frontend.ask(prompt, ANSWER);
        Node.expectFrom(answer.awaitEnd(), source, tokens);
        ClusterFrontend.settle();
        return answer.firstMillis();
    }
}
