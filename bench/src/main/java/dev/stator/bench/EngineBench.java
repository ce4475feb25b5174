package dev.stator.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.stator.engine.Engine;
import dev.stator.routing.Mode;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Prefill and decode speed of a node with its cache on, against the same library driven by a loop
 * in C: same threads, batch size, KV type, prompts, greedy sampling.
 *
 * <p>Prefill counts from the submission of all prompts at once to the first token of the last one;
 * nobody has seen the prompts. Decode counts the tokens that come while all streams generate.
 * Tokens per CPU-second are given as well: they say the same on a machine that is not quiet, with
 * one thread.
 */
@Command(
        name = "engine",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Prefill and decode tokens/s / the same library in a bare loop; bar >= 0.98.")
final class EngineBench extends Bench {
    private static final Bar BAR = Bar.atLeast(0.98);

    @Mixin private ModelOptions model = new ModelOptions();

    @Option(
            names = "--streams",
            split = ",",
            description = "Requests at once (default: ${DEFAULT-VALUE}).")
    private List<Integer> streams = List.of(1, 8);

    @Option(names = "--prompt", description = "Tokens of a prompt (default: ${DEFAULT-VALUE}).")
    private int prompt = 512;

    @Option(names = "--answer", description = "Tokens of an answer (default: ${DEFAULT-VALUE}).")
    private int answer = 64;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 5;

    @Option(
            names = "--modes",
            split = ",",
            description =
                    "AGGREGATED: one worker does all; DISAGGREGATED: split (default: ${DEFAULT-VALUE}).")
    private List<Mode> modes = List.of(Mode.AGGREGATED, Mode.DISAGGREGATED);

    @Option(
            names = "--cells",
            description =
                    "KV cells of a decode worker and of the loop (default: ${DEFAULT-VALUE}).")
    private int cells = 16_384;

    @Option(
            names = "--bare-streams-apart",
            description = "Give the loop's sequences KV buffers of their own instead of one.")
    private boolean apart;

    /** A subject under its name. */
    private record Subject(String name, Function<List<int[]>, Speed> run, Runnable warmUp) {}

    @Override
    public Integer call() {
        int most = Collections.max(streams);
        int context = prompt + answer + 1;
        var report =
                report(
                        "engine",
                        BAR,
                        "%s, prompt %d, answer %d, streams %s, batch %d, cells %d, loop's KV %s, rounds %d"
                                .formatted(
                                        model.describe(),
                                        prompt,
                                        answer,
                                        streams,
                                        Node.STEP_TOKENS,
                                        cells,
                                        apart ? "apart" : "unified",
                                        rounds));
        var loopOptions =
                new BareLoop.Options(
                        model.file(),
                        model.libraries(),
                        cells,
                        most,
                        Node.STEP_TOKENS,
                        model.threads(),
                        !apart);
        var nodes = new ArrayList<Node>();
        try (var loop = BareLoop.start(loopOptions);
                var engine = model.load()) {
            try {
                var subjects = new ArrayList<Subject>();
                var random = new Prompts(engine.model().vocabularySize(), System.nanoTime());
                subjects.add(
                        new Subject(
                                "loop",
                                prompts -> loop.run(prompts, answer),
                                () -> loop.run(List.of(random.next(prompt)), 2)));
                for (var mode : modes) {
                    var node =
                            Node.start(
                                    engine,
                                    mode,
                                    context,
                                    cells,
                                    Math.max(8, most),
                                    model.threads(),
                                    hostBytes(engine, most));
                    nodes.add(node);
                    subjects.add(
                            new Subject(
                                    name(mode),
                                    prompts -> run(node, prompts),
                                    () -> fill(node, random, most)));
                }
                measure(report, subjects, random);
            } finally {
                nodes.forEach(Node::close);
            }
        }
        return report.end();
    }

    /**
     * Its host tier is full then, as in a server that has run for a while: every block is written
     * to a slot that has its memory.
     */
    private void fill(Node node, Prompts prompts, int most) {
        for (int i = 0; i <= 2 * most; i++) {
            var _ = node.ask(prompts.next(prompt), 2).awaitEnd();
        }
        var _ = run(node, List.of(prompts.next(prompt)));
    }

    /** Room for what two rounds compute. */
    private long hostBytes(Engine engine, int most) {
        int blocks = (prompt + answer) / Node.BLOCK_TOKENS + 2;
        return 2L
                * most
                * blocks
                * Node.BLOCK_TOKENS
                * engine.model().kv().orElseThrow().bytesPerToken();
    }

    private static String name(Mode mode) {
        return switch (mode) {
            case AGGREGATED -> "aggregated";
            case DISAGGREGATED -> "split";
            case AUTO -> "auto";
        };
    }

    private void measure(Report report, List<Subject> subjects, Prompts prompts) {
        for (var subject : subjects) {
            subject.warmUp.run();
        }
        for (int count : streams) {
            var speeds = new LinkedHashMap<String, List<Speed>>();
            for (int round = 0; round < rounds; round++) {
                var asked = Stream.generate(() -> prompts.next(prompt)).limit(count).toList();
                var order = new ArrayList<>(subjects);
                Collections.rotate(order, round);
                for (var subject : order) {
                    var speed = subject.run.apply(asked);
                    speeds.computeIfAbsent(subject.name, _ -> new ArrayList<>()).add(speed);
                    report.line(
                            "streams %d round %d: %-10s prefill %.1f decode %.1f tokens/s, prefill %.1f decode %.1f tokens/CPU-s",
                            count,
                            round + 1,
                            subject.name,
                            speed.prefill(),
                            speed.decode(),
                            speed.prefillCpu(),
                            speed.decodeCpu());
                }
            }
            for (var subject : subjects.subList(1, subjects.size())) {
                var name = "engine.%s.%d-streams".formatted(subject.name, count);
                report.ratio(name + ".prefill", ratio(speeds, subject.name, Speed::prefill));
                report.ratio(name + ".decode", ratio(speeds, subject.name, Speed::decode));
                report.extra(name + ".prefill-cpu", ratio(speeds, subject.name, Speed::prefillCpu));
                report.extra(name + ".decode-cpu", ratio(speeds, subject.name, Speed::decodeCpu));
            }
        }
    }

    /** The median of the rounds' ratios. */
    private static double ratio(
            Map<String, List<Speed>> speeds, String subject, ToDoubleFunction<Speed> figure) {
        var own = speeds.getOrDefault(subject, List.of());
        var loop = speeds.getOrDefault("loop", List.of());
        var ratios = new ArrayList<Double>();
        for (int round = 0; round < own.size(); round++) {
            ratios.add(
                    figure.applyAsDouble(own.get(round)) / figure.applyAsDouble(loop.get(round)));
        }
        return Samples.of(ratios).median();
    }

    private Speed run(Node node, List<int[]> prompts) {
        double[] prefill = prefill(node, prompts);
        double[] decode = decode(node, prompts);
        return new Speed(prefill[0], decode[0], prefill[1], decode[1]);
    }

    /**
     * @return tokens per second, and per second of processor time
     */
    private double[] prefill(Node node, List<int[]> prompts) {
        long cpu = cpuNanos();
        long start = System.nanoTime();
        var answers = prompts.stream().map(tokens -> node.ask(tokens, 1)).toList();
        answers.forEach(each -> Node.expectFrom(each.awaitEnd(), "computed", prompt));
        cpu = cpuNanos() - cpu;
        long last = answers.stream().mapToLong(Answer::firstNanos).max().orElseThrow();
        int tokens = prompts.size() * prompt;
        return new double[] {tokens / ((last - start) / 1e9), tokens / (cpu / 1e9)};
    }

    /** The prompts are cached by now, so that all streams soon generate. */
    private double[] decode(Node node, List<int[]> prompts) {
        var answers = prompts.stream().map(tokens -> node.ask(tokens, answer)).toList();
        answers.forEach(Answer::awaitFirst);
        long cpu = cpuNanos();
        int before = answers.stream().mapToInt(Answer::count).sum();
        answers.forEach(Answer::awaitEnd);
        cpu = cpuNanos() - cpu;
        int after = answers.stream().mapToInt(Answer::count).sum();
        long from = answers.stream().mapToLong(Answer::firstNanos).max().orElseThrow();
        long until = answers.stream().mapToLong(Answer::lastNanos).min().orElseThrow();
        long tokens = answers.stream().mapToLong(a -> a.countBetween(from, until)).sum();
        return new double[] {tokens / ((until - from) / 1e9), (after - before) / (cpu / 1e9)};
    }

    private static long cpuNanos() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
    }
}
