package dev.stator.bench;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * A frontend in front of nodes that compute nothing, all processes of their own: how soon it knows
 * what the nodes hold, and what it adds to a request, against the same server over the same answers
 * in one process.
 */
@Command(
        name = "frontend",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Start of a frontend to its full index / 2 s; what it adds to the p99 of a request / 2 ms;",
            "bar <= 1."
        })
final class FrontendBench extends Bench {
    private static final Bar BAR = Bar.atMost(1);
    private static final double START_SECONDS = 2;
    private static final double ADDED_MILLIS = 2;

    @Option(
            names = "--blocks",
            description = "That all nodes announce together (default: ${DEFAULT-VALUE}).")
    private int blocks = 2_300_000;

    @Option(names = "--nodes", description = "Default: ${DEFAULT-VALUE}.")
    private int nodes = 2;

    @Option(
            names = "--starts",
            description =
                    "Of a frontend, whose classes are in a cache as the script stator makes one (default: ${DEFAULT-VALUE}).")
    private int starts = 5;

    @Option(
            names = "--connections",
            description =
                    "Of the client, each with one request at a time (default: ${DEFAULT-VALUE}).")
    private int connections = 8;

    @Option(
            names = "--rate",
            description =
                    "Requests a second of which the p99 counts (default: ${DEFAULT-VALUE}); the machine must not be full.")
    private int rate = 200;

    @Option(names = "--answer", description = "Tokens of an answer (default: ${DEFAULT-VALUE}).")
    private int answer = 16;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 5;

    @Option(names = "--seconds", description = "Of each measurement (default: ${DEFAULT-VALUE}).")
    private int seconds = 8;

    @Option(
            names = "--warm-up",
            description =
                    "Seconds of requests to either server before (default: ${DEFAULT-VALUE}).")
    private int warmUp = 25;

    @Override
    public Integer call() {
        var report =
                report(
                        "frontend",
                        BAR,
                        "nodes %d, blocks %d, starts %d, connections %d, %d requests/s, answers of %d tokens, rounds %d of %d s"
                                .formatted(
                                        nodes,
                                        blocks,
                                        starts,
                                        connections,
                                        rate,
                                        answer,
                                        rounds,
                                        seconds));
        start(report);
        requests(report);
        return report.end();
    }

    private List<Child> nodes(int port, int blocksOfEach) {
        var all = new ArrayList<Child>();
        for (int i = 0; i < nodes; i++) {
            all.add(
                    ClusterNodeProcess.start(
                            "n" + i,
                            i == 0 ? port : ClusterFrontend.freePort(),
                            i == 0 ? 0 : port,
                            false,
                            List.of(
                                    "announcing",
                                    String.valueOf(blocksOfEach),
                                    String.valueOf(i + 1))));
            all.getLast().expect("ready");
        }
        return all;
    }

    private Child frontend(int port, long expected) {
        return Child.java(
                "the frontend",
                FrontendProcess.class,
                String.valueOf(port),
                String.valueOf(nodes),
                String.valueOf(expected));
    }

    private void start(Report report) {
        int port = ClusterFrontend.freePort();
        var holders = nodes(port, blocks / nodes);
        var times = new ArrayList<Double>();
        try (var cache = new AotCache()) {
            var arguments =
                    List.of(
                            String.valueOf(port),
                            String.valueOf(nodes),
                            String.valueOf((long) (blocks / nodes) * nodes));
            // The nodes have never told anything before this one, either.
            var first = cache.training("the first frontend", FrontendProcess.class, arguments);
            report.line("not counted: %s", first.expect("full ").split(" ", 3)[2]);
            cache.make(first);
            for (int i = 1; i <= starts; i++) {
                long start = System.nanoTime();
                try (var frontend = cache.start("the frontend", FrontendProcess.class, arguments)) {
                    var said = frontend.expect("full ").split(" ", 3);
                    times.add((System.nanoTime() - start) / 1e9);
                    report.line("start %d: %s", i, said[2]);
                }
            }
        } finally {
            holders.forEach(Child::close);
        }
        report.line("start of a frontend to its index of %.2f M blocks: %s s", blocks / 1e6, times);
        report.ratio("frontend.start", Samples.of(times).median() / START_SECONDS);
    }

    private void requests(Report report) {
        int port = ClusterFrontend.freePort();
        var workers = nodes(port, 0);
        try (var alone = Child.java("the server", FrontendProcess.class, "alone");
                var frontend = frontend(port, 0)) {
            var direct = new RequestClient(port(alone), connections, answer);
            var through = new RequestClient(port(frontend), connections, answer);
            // Both compile their code.
            through.closed(warmUp);
            direct.closed(warmUp / 2.0);
            var added = new ArrayList<Double>();
            var part = new ArrayList<Double>();
            for (int round = 1; round <= rounds; round++) {
                var plain = direct.open(rate, seconds);
                var ours = through.open(rate, seconds);
                double most = direct.closed(seconds / 2.0);
                double mostOurs = through.closed(seconds / 2.0);
                added.add(ours.quantile(0.99) - plain.quantile(0.99));
                part.add(mostOurs / most);
                report.line(
                        "round %d: %d requests/s: p50 %.2f p99 %.2f ms, in one process p50 %.2f p99 %.2f ms; at most %.0f requests/s, in one process %.0f",
                        round,
                        rate,
                        ours.median(),
                        ours.quantile(0.99),
                        plain.median(),
                        plain.quantile(0.99),
                        mostOurs,
                        most);
            }
            report.line("p99 added: %.2f ms", Samples.of(added).median());
            report.extra("frontend.requests", Samples.of(part).median());
            report.ratio("frontend.p99-added", Samples.of(added).median() / ADDED_MILLIS);
        } finally {
            workers.forEach(Child::close);
        }
    }

    private static int port(Child server) {
        return Integer.parseInt(server.expect("full ").split(" ")[1]);
    }
}
