package dev.stator.bench;

import dev.stator.routing.Mode;
import dev.stator.serving.Account;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Time to the first token and between tokens of requests that come now and then while documents
 * wait to be prefilled, against the same when none wait. A client asks, reads the answer to its
 * end, and pauses: in the pauses documents are prefilled, and each request finds one under way. The
 * two take turns, a few requests each, so that both see the same machine.
 */
@Command(
        name = "ingestion",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "p99 TTFT and inter-token time of requests while documents are ingested / without; bar <= 1.1 for both.")
final class IngestionBench extends Bench {
    private static final Bar BAR = Bar.atMost(1.1);

    /** Requests of one kind before it is the other's turn. */
    private static final int TURN = 5;

    /** More than are prefilled in a pause. */
    private static final int WAITING = 8;

    @Mixin private ModelOptions model = new ModelOptions();

    @Option(names = "--requests", description = "Of each kind (default: ${DEFAULT-VALUE}).")
    private int requests = 60;

    @Option(names = "--prompt", description = "Tokens of a prompt (default: ${DEFAULT-VALUE}).")
    private int prompt = 256;

    @Option(names = "--answer", description = "Tokens of an answer (default: ${DEFAULT-VALUE}).")
    private int answer = 16;

    @Option(names = "--document", description = "Tokens of a document (default: ${DEFAULT-VALUE}).")
    private int document = 512;

    @Option(
            names = "--pause",
            description = "Mean milliseconds between requests (default: ${DEFAULT-VALUE}).")
    private int pause = 600;

    @Option(names = "--seed", description = "Of the pauses (default: ${DEFAULT-VALUE}).")
    private long seed = 1;

    /** What requests of one kind have taken, in milliseconds. */
    private record Taken(List<Double> first, List<Double> gaps) {
        Taken() {
            this(new ArrayList<>(), new ArrayList<>());
        }

        String describe() {
            var firsts = Samples.of(first);
            var between = Samples.of(gaps);
            return "TTFT median %.1f p99 %.1f max %.1f ms, between tokens median %.1f p99 %.1f max %.1f ms"
                    .formatted(
                            firsts.median(),
                            firsts.quantile(0.99),
                            firsts.max(),
                            between.median(),
                            between.quantile(0.99),
                            between.max());
        }
    }

    /** Documents that wait, and those that are there. */
    private final class Ingestion {
        private record Document(int[] tokens, CompletableFuture<Account> computed) {}

        private final Node node;
        private final Prompts prompts;
        private final Deque<Document> waiting = new ArrayDeque<>();

        /** Those whose turn was over before they were there; they go on where they were. */
        private final Deque<int[]> left = new ArrayDeque<>();

        private int done;

        Ingestion(Node node, Prompts prompts) {
            this.node = node;
            this.prompts = prompts;
        }

        void refill() {
            int before = waiting.size();
            waiting.removeIf(each -> each.computed.isDone());
            done += before - waiting.size();
            while (waiting.size() < WAITING) {
                int[] tokens = left.isEmpty() ? prompts.next(document) : left.removeFirst();
                waiting.add(new Document(tokens, node.prefill(tokens)));
            }
        }

        void stop() {
            for (var each : waiting) {
                if (each.computed.cancel(false)) {
                    left.add(each.tokens);
                } else {
                    done++;
                }
            }
            waiting.clear();
        }
    }

    @Override
    public Integer call() {
        int context = Math.max(prompt + answer, document) + Node.BLOCK_TOKENS;
        var report =
                report(
                        "ingestion",
                        BAR,
                        "%s, %d requests of each kind, prompts %d, answers %d, documents %d, pauses about %d ms"
                                .formatted(
                                        model.describe(),
                                        requests,
                                        prompt,
                                        answer,
                                        document,
                                        pause));
        var quiet = new Taken();
        var loaded = new Taken();
        int ingested = 0;
        try (var engine = model.load();
                var node =
                        Node.start(engine, Mode.AUTO, context, 8 * context, 8, model.threads())) {
            var prompts = new Prompts(engine.model().vocabularySize(), System.nanoTime());
            var random = new Random(seed);
            var ingestion = new Ingestion(node, prompts);
            // The first ones pay for what is done but once.
            turn(node, prompts, random, new Taken(), () -> {});
            for (int round = 0; round * TURN < requests; round++) {
                turn(node, prompts, random, quiet, () -> {});
                turn(node, prompts, random, loaded, ingestion::refill);
                ingestion.stop();
            }
            ingested = ingestion.done;
        }
        report.line("quiet:  %s", quiet.describe());
        report.line("loaded: %s", loaded.describe());
        report.line("%d documents were ingested beside %d requests", ingested, loaded.first.size());
        if (ingested == 0) {
            throw new BenchException("no document was ingested: give longer pauses");
        }
        return Math.max(
                result("ingestion.ttft.p99", loaded.first, quiet.first),
                result("ingestion.itl.p99", loaded.gaps, quiet.gaps));
    }

    private static int result(String name, List<Double> loaded, List<Double> quiet) {
        var result = new Report(System.out, name, BAR);
        result.ratio(name, Samples.of(loaded).quantile(0.99) / Samples.of(quiet).quantile(0.99));
        return result.end();
    }

    private void turn(Node node, Prompts prompts, Random random, Taken taken, Runnable before) {
        for (int i = 0; i < TURN; i++) {
            before.run();
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(pause / 2 + random.nextInt(pause)));
            var asked = node.ask(prompts.next(prompt), answer);
            asked.awaitEnd();
            taken.first.add(asked.firstMillis());
            for (double gap : asked.gapsBetween(Long.MIN_VALUE, Long.MAX_VALUE)) {
                if (gap > 0) {
                    taken.gaps.add(gap);
                }
            }
        }
    }
}
