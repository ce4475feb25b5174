package dev.stator.bench;

import dev.stator.engine.llama.LlamaEngine;
import dev.stator.routing.Mode;
import dev.stator.serving.DiskCache;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Time to the first token of a prompt whose KV is on disk only, against the same prompt when nobody
 * had seen it. One node computes the prompts and is closed; each hit is the first request for its
 * prompt to a new node over the same folder, which has answered others before. Without HTTP.
 */
@Command(
        name = "disk-ttft",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "TTFT of a prompt cached on disk only / cold; bar <= 1/60.")
final class DiskTtftBench extends Bench {
    private static final Bar BAR = Bar.atMost(1 / 60.0);
    private static final int ANSWER = 4;
    private static final long DISK_BYTES = 4L << 30;

    @Mixin private ModelOptions model = new ModelOptions();

    @Option(names = "--prompt", description = "Tokens of the prompt (default: ${DEFAULT-VALUE}).")
    private int prompt = 4096;

    @Option(names = "--rounds", description = "Prompts (default: ${DEFAULT-VALUE}).")
    private int rounds = 3;

    @Option(
            names = "--restarts",
            description = "Nodes that find each prompt on disk (default: ${DEFAULT-VALUE}).")
    private int restarts = 3;

    @Option(
            names = "--folder",
            description = "On the disk to measure (default: the folder for temporary files).")
    private Optional<Path> folder = Optional.empty();

    @Override
    public Integer call() throws IOException {
        var base = folder.orElse(Path.of(System.getProperty("java.io.tmpdir")));
        var place = Files.createTempDirectory(base, "stator-bench-");
        var report =
                report(
                        "disk-ttft",
                        BAR,
                        "%s, prompt %d, block %d, mode auto, rounds %d, restarts %d, folder %s"
                                .formatted(
                                        model.describe(),
                                        prompt,
                                        Node.BLOCK_TOKENS,
                                        rounds,
                                        restarts,
                                        base));
        try (var engine = model.load()) {
            measure(report, engine, place);
        } finally {
            DiskTierBench.remove(place);
        }
        return report.end();
    }

    private void measure(Report report, LlamaEngine engine, Path place) {
        var random = new Prompts(engine.model().vocabularySize(), System.nanoTime());
        var prompts = new ArrayList<int[]>();
        var colds = new ArrayList<Double>();
        int[] warm = random.next(Math.min(prompt, 512));
        try (var node = start(engine, place)) {
            warmUp(node, warm);
            for (int round = 0; round < rounds; round++) {
                prompts.add(random.next(prompt));
                var cold = node.ask(prompts.getLast(), ANSWER);
                Node.expectFrom(cold.awaitEnd(), "computed", prompt);
                colds.add(cold.firstMillis());
            }
        }
        var cached = new ArrayList<List<Double>>();
        prompts.forEach(_ -> cached.add(new ArrayList<>()));
        for (int restart = 1; restart <= restarts; restart++) {
            try (var node = start(engine, place)) {
                warmUp(node, warm);
                for (int round = 0; round < rounds; round++) {
                    var hit = node.ask(prompts.get(round), ANSWER);
                    var account = hit.awaitEnd();
                    Node.expectFrom(account, "disk", prompt - 1);
                    cached.get(round).add(hit.firstMillis());
                    report.line(
                            "restart %d, prompt %d: cold %.0f ms, from disk %.1f ms (%s, %s)",
                            restart,
                            round + 1,
                            colds.get(round),
                            hit.firstMillis(),
                            account.plan(),
                            Stages.of(account));
                }
            }
        }
        var ratios = new ArrayList<Double>();
        for (int round = 0; round < rounds; round++) {
            ratios.add(Samples.of(cached.get(round)).median() / colds.get(round));
        }
        report.ratio("disk-ttft", Samples.of(ratios).median());
    }

    private Node start(LlamaEngine engine, Path place) {
        int context = prompt + Node.BLOCK_TOKENS;
        return Node.start(
                engine,
                Mode.AUTO,
                context,
                2 * context,
                model.threads(),
                DiskCache.of(place, DISK_BYTES));
    }

    private static void warmUp(Node node, int[] tokens) {
        for (int i = 0; i < 3; i++) {
            node.ask(tokens, ANSWER).awaitEnd();
        }
    }
}
