package dev.stator.bench;

import dev.stator.engine.Engine;
import dev.stator.engine.KvShape;
import dev.stator.engine.process.ProcessEngine;
import dev.stator.routing.Mode;
import dev.stator.serving.FabricStats;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * What processes of their own cost the workers, against the same node in one process, and what they
 * are for: how long streams stand still when the process that computes them is killed.
 */
@Command(
        name = "isolate",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Workers in processes of their own / in one process: tokens/s, cached TTFT; what a handoff",
            "takes longer / (10 ms + copying it once); kill -9 to the next token, p99 / 1.5 s; bar <= 1."
        })
final class IsolateBench extends Bench {
    private static final Bar BAR = Bar.atMost(1);
    private static final double HANDOFF_MILLIS = 10;
    private static final double KILL_MILLIS = 1500;
    private static final int ANSWERS = 8;

    @Mixin private ModelOptions model = new ModelOptions();

    @Option(names = "--prompt", description = "Tokens of a prompt (default: ${DEFAULT-VALUE}).")
    private int prompt = 1024;

    @Option(names = "--answer", description = "Tokens of an answer (default: ${DEFAULT-VALUE}).")
    private int answer = 128;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 5;

    @Option(names = "--kills", description = "Default: ${DEFAULT-VALUE}.")
    private int kills = 8;

    /** Of one node. */
    private record Figures(List<Double> tokensPerSecond, List<Double> cachedMillis) {
        Figures() {
            this(new ArrayList<>(), new ArrayList<>());
        }
    }

    @Override
    public Integer call() {
        var report =
                report(
                        "isolate",
                        BAR,
                        "%s, prompt %d, %d answers of %d, rounds %d, kills %d"
                                .formatted(
                                        model.describe(), prompt, ANSWERS, answer, rounds, kills));
        try (var inOne = model.load();
                var isolated = model.loadIsolated()) {
            compare(report, inOne, isolated);
            kill(report, isolated);
        }
        return report.end();
    }

    private int context() {
        return prompt + answer + Node.BLOCK_TOKENS;
    }

    /** Too few cells to keep an ended sequence: what is cached comes from the host tier. */
    private Node node(Engine engine) {
        int cells = Math.max(2 * context(), ANSWERS * (64 + answer));
        return Node.start(engine, Mode.AUTO, context(), cells, ANSWERS, model.threads());
    }

    private void compare(Report report, Engine inOne, Engine isolated) {
        var plain = new Figures();
        var apart = new Figures();
        try (var first = node(inOne);
                var second = node(isolated)) {
            var prompts = new Prompts(inOne.model().vocabularySize(), System.nanoTime());
            measure(first, prompts, new Figures());
            measure(second, prompts, new Figures());
            for (int round = 1; round <= rounds; round++) {
                measure(first, prompts, plain);
                measure(second, prompts, apart);
                report.line(
                        "round %d: in one process %.1f tokens/s, cached TTFT %.2f ms; isolated %.1f tokens/s, %.2f ms",
                        round,
                        plain.tokensPerSecond.getLast(),
                        plain.cachedMillis.getLast(),
                        apart.tokensPerSecond.getLast(),
                        apart.cachedMillis.getLast());
            }
        }
        double had = Samples.of(plain.cachedMillis).median();
        double has = Samples.of(apart.cachedMillis).median();
        report.extra(
                "isolate.decode",
                Samples.of(apart.tokensPerSecond).median()
                        / Samples.of(plain.tokensPerSecond).median());
        report.extra("isolate.cached-ttft", has / had);
        double copy = copyMillis(inOne.model().kv().orElseThrow());
        report.line(
                "handoff of %d tokens: %.2f ms more; copying them once takes %.2f ms",
                prompt, has - had, copy);
        report.ratio("isolate.handoff", Math.max(0, has - had) / (HANDOFF_MILLIS + copy));
    }

    private void measure(Node node, Prompts prompts, Figures figures) {
        var answers = new ArrayList<Answer>();
        for (int i = 0; i < ANSWERS; i++) {
            answers.add(node.ask(prompts.next(64), answer));
        }
        answers.forEach(Answer::awaitEnd);
        // A small model has ended the first answer before the last one begins.
        long from = answers.stream().mapToLong(Answer::firstNanos).min().orElseThrow();
        long until = answers.stream().mapToLong(Answer::lastNanos).max().orElseThrow();
        long tokens = answers.stream().mapToLong(each -> each.countBetween(from, until)).sum();
        figures.tokensPerSecond.add(tokens / ((until - from) / 1e9));
        int[] cached = prompts.next(prompt);
        node.ask(cached, 1).awaitEnd();
        var millis = new ArrayList<Double>();
        for (int i = 0; i < 5; i++) {
            var again = node.ask(cached, 1);
            Node.expectFrom(again.awaitEnd(), "host", prompt - 1);
            millis.add(again.firstMillis());
        }
        figures.cachedMillis.add(Samples.of(millis).median());
    }

    private double copyMillis(KvShape kv) {
        long bytes = (long) kv.bytesPerToken() * prompt;
        try (var arena = Arena.ofConfined()) {
            var source = arena.allocate(bytes);
            var target = arena.allocate(bytes);
            MemorySegment.copy(source, 0, target, 0, bytes);
            long start = System.nanoTime();
            MemorySegment.copy(source, 0, target, 0, bytes);
            return (System.nanoTime() - start) / 1e6;
        }
    }

    /** Each time the process that generates most is killed; its streams go on at the other. */
    private void kill(Report report, ProcessEngine isolated) {
        int cells = ANSWERS * context();
        var gaps = new ArrayList<Double>();
        try (var node =
                Node.startPair(isolated, Mode.AUTO, context(), cells, ANSWERS, model.threads())) {
            var prompts = new Prompts(isolated.model().vocabularySize(), System.nanoTime());
            for (int kill = 0; kill < kills; kill++) {
                awaitProcesses(node);
                var answers = new ArrayList<Answer>();
                for (int i = 0; i < ANSWERS / 2; i++) {
                    answers.add(node.ask(prompts.next(prompt / 4), answer));
                }
                answers.forEach(Answer::awaitFirst);
                long killed = System.nanoTime();
                ProcessHandle.of(busiest(node)).ifPresent(ProcessHandle::destroyForcibly);
                answers.forEach(Answer::awaitEnd);
                answers.stream().map(each -> gapAround(each, killed)).forEach(gaps::add);
            }
        }
        // All streams, also those of the worker that was left alone and then took the others in.
        var all = Samples.of(gaps);
        report.line(
                "kill -9 to the next token: median %.0f ms, p99 %.0f ms, max %.0f ms",
                all.median(), all.quantile(0.99), all.max());
        report.ratio("isolate.kill", all.quantile(0.99) / KILL_MILLIS);
    }

    private static double gapAround(Answer answer, long killed) {
        return (answer.firstAfter(killed).orElse(killed) - killed) / 1e6;
    }

    private static void awaitProcesses(Node node) {
        while (node.stats().workers().stream().anyMatch(each -> each.process().isEmpty())) {
            LockSupport.parkNanos(1_000_000);
        }
    }

    private static long busiest(Node node) {
        FabricStats.Worker busiest = node.stats().workers().getFirst();
        for (var worker : node.stats().workers()) {
            if (worker.role().equals("decode") && worker.cellsUsed() >= busiest.cellsUsed()) {
                busiest = worker;
            }
        }
        return busiest.process().orElseThrow();
    }
}
