package dev.stator.bench;

import dev.stator.api.ApiOptions;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What HTTP and SSE cost: Stator's server over a fabric that computes nothing, against Netty that
 * sends the same events, framed before. Server, reference and client are a process each; only the
 * server's processor time counts. Both are stepped by the same kind of engine, which gives every
 * stream one token a step.
 */
@Command(
        name = "http",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "HTTP+SSE tokens per CPU-second / bare Netty sending the same chunks; bar >= 0.8.")
final class HttpBench extends Bench {
    private static final Bar BAR = Bar.atLeast(0.8);
    private static final int ENDLESS = 1 << 29;

    /** How long a server streams before its first round. */
    private static final int COMPILE_SECONDS = 25;

    @Option(
            names = "--streams",
            split = ",",
            description = "Streams at once (default: ${DEFAULT-VALUE}).")
    private List<Integer> streams = List.of(1_000, 10_000);

    @Option(
            names = "--rate",
            description =
                    "Tokens per second of all streams together (default: ${DEFAULT-VALUE}); the machine must not be full.")
    private int rate = 25_000;

    @Option(
            names = "--answer",
            description =
                    "Tokens of an answer in the case that counts requests as well (default: ${DEFAULT-VALUE}).")
    private int answer = 256;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 3;

    @Option(
            names = "--warm-up",
            description = "Seconds before each measurement (default: ${DEFAULT-VALUE}).")
    private int warmUp = 5;

    @Option(names = "--seconds", description = "Of each measurement (default: ${DEFAULT-VALUE}).")
    private int seconds = 10;

    /** One measurement of one server. */
    private record Measured(double tokensPerCpuSecond, double p50, double p99, double max) {}

    @Override
    public Integer call() {
        var report =
                report(
                        "http",
                        BAR,
                        "streams %s, %d tokens/s in all, event loops %d each, NIO, rounds %d of %d s"
                                .formatted(
                                        streams,
                                        rate,
                                        ApiOptions.of("instant", 0).eventLoops(),
                                        rounds,
                                        seconds));
        for (int count : streams) {
            measure(report, count, OptionalInt.empty());
        }
        measure(report, streams.getFirst(), OptionalInt.of(answer));
        return report.end();
    }

    /**
     * @param ends how many tokens an answer has; empty: it lasts as long as the measurement
     */
    private void measure(Report report, int count, OptionalInt ends) {
        var tick = String.valueOf(TimeUnit.SECONDS.toNanos(1) * count / rate);
        var label = ends.isPresent() ? "%d-token answers".formatted(ends.getAsInt()) : "endless";
        report.line("%d streams, %s: a step every %.0f ms", count, label, 1e3 * count / rate);
        try (var stator = Child.java("stator's server", HttpServerProcess.class, "stator", tick)) {
            int port = Integer.parseInt(stator.expect("port "));
            var arguments =
                    new ArrayList<>(
                            List.of(
                                    "netty",
                                    tick,
                                    Base64.getEncoder()
                                            .encodeToString(
                                                    event(port).getBytes(StandardCharsets.UTF_8))));
            ends.ifPresent(tokens -> arguments.add(String.valueOf(tokens)));
            try (var netty =
                    Child.java(
                            "the Netty server",
                            HttpServerProcess.class,
                            arguments.toArray(String[]::new))) {
                int nettyPort = Integer.parseInt(netty.expect("port "));
                var ratios = new ArrayList<Double>();
                // Both compile their code; what was measured then does not count.
                stream(stator, port, count, ends, COMPILE_SECONDS);
                stream(netty, nettyPort, count, ends, COMPILE_SECONDS);
                for (int round = 1; round <= rounds; round++) {
                    var own = stream(stator, port, count, ends, warmUp);
                    var reference = stream(netty, nettyPort, count, ends, warmUp);
                    ratios.add(own.tokensPerCpuSecond / reference.tokensPerCpuSecond);
                    double tickMillis = 1e3 * count / rate;
                    line(report, round, "stator", own, tickMillis);
                    line(report, round, "netty", reference, tickMillis);
                }
                double ratio = Samples.of(ratios).median();
                if (ends.isPresent()) {
                    report.extra(
                            "http.%d-streams.%d-token-answers".formatted(count, ends.getAsInt()),
                            ratio);
                } else {
                    report.ratio("http.%d-streams".formatted(count), ratio);
                }
            }
        }
    }

    private static void line(
            Report report, int round, String server, Measured measured, double tickMillis) {
        // A server that gets no processor writes several tokens at once, which costs less.
        boolean starved = measured.p50 < 0.8 * tickMillis || measured.p50 > 1.2 * tickMillis;
        report.line(
                "  round %d: %-6s %.0f tokens/CPU-s, gap p50 %.1f p99 %.1f max %.1f ms%s",
                round,
                server,
                measured.tokensPerCpuSecond,
                measured.p50,
                measured.p99,
                measured.max,
                starved ? " (the machine was too busy: this round says nothing)" : "");
    }

    private Measured stream(Child server, int port, int count, OptionalInt ends, int before) {
        try (var client =
                Child.java(
                        "the client",
                        HttpClientProcess.class,
                        String.valueOf(port),
                        String.valueOf(count),
                        String.valueOf(ends.orElse(ENDLESS)))) {
            client.expect("streaming");
            pause(before);
            long cpu = cpuNanos(server);
            client.say("measure");
            pause(seconds);
            cpu = cpuNanos(server) - cpu;
            client.say("stop");
            var words = client.expect("events ").split(" ");
            return new Measured(
                    Long.parseLong(words[0]) / (cpu / 1e9),
                    Double.parseDouble(words[1]),
                    Double.parseDouble(words[2]),
                    Double.parseDouble(words[3]));
        }
    }

    private static long cpuNanos(Child server) {
        server.say("cpu");
        return Long.parseLong(server.expect("cpu "));
    }

    private static void pause(int seconds) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    /** An event of Stator's own with text, blank line included, for the reference to send. */
    private static String event(int port) {
        try (var socket = new Socket("127.0.0.1", port)) {
            var out = socket.getOutputStream();
            out.write(HttpClientProcess.request(2).getBytes(StandardCharsets.US_ASCII));
            var seen = new StringBuilder();
            var buffer = new byte[8192];
            while (seen.indexOf("[DONE]") < 0) {
                int read = socket.getInputStream().read(buffer);
                if (read < 0) {
                    throw new BenchException("the server does not stream: " + seen);
                }
                seen.append(new String(buffer, 0, read, StandardCharsets.UTF_8));
            }
            int text = seen.indexOf("\"content\":\" token\"");
            int from = seen.lastIndexOf("data: ", text);
            int to = seen.indexOf("\n\n", from);
            if (text < 0 || from < 0 || to < 0) {
                throw new BenchException("the server streams no text: " + seen);
            }
            return seen.substring(from, to + 2);
        } catch (IOException e) {
            throw new BenchException("the server does not answer: " + e.getMessage(), e);
        }
    }
}
