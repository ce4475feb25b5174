package dev.stator.bench;

import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.LlamaVocabulary;
import dev.stator.routing.Policy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * How long streams stand still at a client of the frontend when what computes them is killed: a
 * worker's process in a node, and a whole node.
 */
@Command(
        name = "node-kill",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "kill -9 of a node's decode worker, and of a whole node, to the next token of its streams",
            "at a client of the frontend, p99 / 1.5 s; bar <= 1."
        })
final class NodeKillBench extends Bench {
    private static final Bar BAR = Bar.atMost(1);
    private static final double MILLIS = 1500;
    private static final Duration LOOK = Duration.ofMillis(200);

    @Mixin private ModelOptions model = new ModelOptions();

    @Option(names = "--prompt", description = "Tokens of a prompt (default: ${DEFAULT-VALUE}).")
    private int prompt = 128;

    @Option(names = "--answer", description = "Tokens of an answer (default: ${DEFAULT-VALUE}).")
    private int answer = 200;

    @Option(names = "--streams", description = "At once (default: ${DEFAULT-VALUE}).")
    private int streams = 4;

    @Option(names = "--kills", description = "Of either kind (default: ${DEFAULT-VALUE}).")
    private int kills = 8;

    @Override
    public Integer call() {
        var report =
                report(
                        "node-kill",
                        BAR,
                        "%s, prompt %d, %d answers of %d, kills %d, two nodes, with a cluster key"
                                .formatted(model.describe(), prompt, streams, answer, kills));
        try (var vocabulary =
                LlamaVocabulary.load(LlamaOptions.of(model.file(), model.libraries()))) {
            measure(report, vocabulary, true);
            measure(report, vocabulary, false);
        }
        return report.end();
    }

    private int context() {
        return prompt + answer + Node.BLOCK_TOKENS;
    }

    private Child node(String name, int port, int join, boolean isolated) {
        int cells = streams * context();
        // Two nodes share the machine, and know nothing of each other's threads.
        int threads = Math.max(1, model.threads() / 2);
        var what =
                isolated
                        ? ClusterNodeProcess.isolated(model, context(), cells, 2 * streams, threads)
                        : ClusterNodeProcess.llama(model, context(), cells, 2 * streams, threads);
        return ClusterNodeProcess.start(name, port, join, true, what);
    }

    private void measure(Report report, LlamaVocabulary vocabulary, boolean worker) {
        int port = ClusterFrontend.freePort();
        var nodes = new ArrayList<Child>();
        // It finds the nodes, is found by those that come later, and outlives them.
        try (var frontend =
                ClusterFrontend.join(
                        port,
                        0,
                        true,
                        Policy.LEAST_LOADED,
                        context(),
                        vocabulary.model(),
                        vocabulary.tokenizer())) {
            nodes.add(node("n0", ClusterFrontend.freePort(), port, worker));
            nodes.add(node("n1", ClusterFrontend.freePort(), port, worker));
            nodes.forEach(each -> each.expect("ready"));
            frontend.awaitNodes(2);
            var gaps = new ArrayList<Double>();
            var prompts = new Prompts(vocabulary.model().vocabularySize(), System.nanoTime());
            for (int kill = -1; kill < kills; kill++) {
                var stood = kill(frontend, prompts, worker, nodes);
                if (kill >= 0) {
                    gaps.addAll(stood);
                }
                if (!worker) {
                    nodes.add(node("n" + (kill + 3), ClusterFrontend.freePort(), port, false));
                    nodes.getLast().expect("ready");
                }
                frontend.awaitNodes(2);
            }
            var all = Samples.of(gaps);
            var what = worker ? "worker" : "node";
            report.line(
                    "kill -9 of a %s to the next token: median %.0f ms, p99 %.0f ms, max %.0f ms",
                    what, all.median(), all.quantile(0.99), all.max());
            report.ratio("node-kill." + what, all.quantile(0.99) / MILLIS);
        } finally {
            nodes.forEach(Child::close);
        }
    }

    /** Of all streams, also those that go on where they were and make room for the others. */
    private List<Double> kill(
            ClusterFrontend frontend, Prompts prompts, boolean worker, List<Child> nodes) {
        var answers = new ArrayList<Answer>();
        for (int i = 0; i < streams; i++) {
            answers.add(frontend.ask(prompts.next(prompt), answer));
        }
        answers.forEach(Answer::awaitFirst);
        if (worker) {
            var busiest = busiest(nodes);
            long killed = System.nanoTime();
            busiest.destroyForcibly();
            return gaps(answers, killed);
        }
        var victim = nodes.removeFirst();
        long killed = System.nanoTime();
        victim.kill();
        return gaps(answers, killed);
    }

    private static List<Double> gaps(List<Answer> answers, long killed) {
        answers.forEach(Answer::awaitEnd);
        return answers.stream()
                .map(each -> (each.firstAfter(killed).orElse(killed) - killed) / 1e6)
                .toList();
    }

    /** The worker's process that computes most. */
    private static ProcessHandle busiest(List<Child> nodes) {
        var workers =
                nodes.stream()
                        .flatMap(each -> ProcessHandle.of(each.pid()).stream())
                        .flatMap(ProcessHandle::children)
                        .toList();
        var before = workers.stream().map(NodeKillBench::cpu).toList();
        LockSupport.parkNanos(LOOK.toNanos());
        return workers.stream()
                .max(
                        Comparator.comparing(
                                each -> cpu(each).minus(before.get(workers.indexOf(each)))))
                .orElseThrow(() -> new BenchException("the nodes have no workers"));
    }

    private static Duration cpu(ProcessHandle process) {
        return process.info().totalCpuDuration().orElse(Duration.ZERO);
    }
}
