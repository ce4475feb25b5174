package dev.stator.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * From the start of the process {@code ./stator up} to the first text of an answer over HTTP, with
 * the demonstration model. The reference is a JVM that prints one word.
 */
@Command(
        name = "startup",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Seconds from process start to first token, demo model; bar <= 1.5; beside a JVM's hello world.")
final class StartupBench extends Bench {
    private static final Bar BAR = Bar.atMost(1.5);
    private static final Pattern TEXT = Pattern.compile("\"content\":\"[^\"]");
    private static final long STOP_SECONDS = 30;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 7;

    /**
     * Seconds from the start of the process.
     *
     * @param ready the server says that it listens
     * @param firstToken the first text of an answer to a request sent at that moment
     */
    private record Start(double ready, double firstToken) {}

    @Override
    public Integer call() {
        var report = report("startup", BAR, "demo model, rounds %d".formatted(rounds));
        var command = root().resolve("stator").toString();
        // Already built, and with the JVM's cache that is made beside the first start.
        require(command, "build");
        require(command, "make-aot-cache");
        var starts = new ArrayList<Start>();
        var hellos = new ArrayList<Double>();
        hello();
        for (int round = 1; round <= rounds; round++) {
            var start = start(command);
            double hello = hello();
            starts.add(start);
            hellos.add(hello);
            report.line(
                    "round %d: ready %.3f s, first token %.3f s, hello world %.3f s",
                    round, start.ready, start.firstToken, hello);
        }
        double first = median(starts.stream().map(Start::firstToken).toList());
        double ready = median(starts.stream().map(Start::ready).toList());
        report.line(
                "median: ready %.3f s, first token %.3f s, hello world %.3f s",
                ready, first, median(hellos));
        report.extra("startup.to-hello-world", first / median(hellos));
        report.ratio("startup.seconds", first);
        return report.end();
    }

    private static double median(List<Double> values) {
        return Samples.of(values).median();
    }

    private static void require(String... command) {
        try {
            int status =
                    new ProcessBuilder(command)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start()
                            .waitFor();
            if (status != 0) {
                throw new BenchException(
                        "'%s' failed with status %d".formatted(String.join(" ", command), status));
            }
        } catch (IOException e) {
            throw new BenchException("cannot run " + command[0] + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        }
    }

    private static Start start(String command) {
        long start = System.nanoTime();
        try {
            var process =
                    asUserWould(new ProcessBuilder(command, "up", "--port", "0"))
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            try {
                var url = readyUrl(process.inputReader(StandardCharsets.UTF_8));
                double ready = (System.nanoTime() - start) / 1e9;
                awaitText(url);
                return new Start(ready, (System.nanoTime() - start) / 1e9);
            } finally {
                stop(process);
            }
        } catch (IOException e) {
            throw new BenchException("the server did not answer: " + e.getMessage(), e);
        }
    }

    private static URI readyUrl(BufferedReader out) throws IOException {
        for (; ; ) {
            var line =
                    Optional.ofNullable(out.readLine())
                            .orElseThrow(
                                    () ->
                                            new BenchException(
                                                    "the server ended before it was ready"));
            if (line.startsWith("ready ")) {
                return URI.create(line.split(" ")[1]);
            }
        }
    }

    /** A plain socket: an HTTP client's own start would count otherwise. */
    private static void awaitText(URI url) throws IOException {
        var body =
                "{\"model\":\"default\",\"stream\":true,\"max_tokens\":16,"
                        + "\"messages\":[{\"role\":\"user\",\"content\":\"Hello, who are you?\"}]}";
        try (var socket = new Socket(url.getHost(), url.getPort())) {
            socket.getOutputStream()
                    .write(
                            ("POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
                                            + "content-type: application/json\r\ncontent-length: "
                                            + body.length()
                                            + "\r\n\r\n"
                                            + body)
                                    .getBytes(StandardCharsets.US_ASCII));
            var in = socket.getInputStream();
            var seen = new StringBuilder();
            var buffer = new byte[8192];
            while (!TEXT.matcher(seen).find()) {
                int read = in.read(buffer);
                if (read < 0 || seen.indexOf("[DONE]") >= 0) {
                    throw new BenchException("the answer has no text: " + seen);
                }
                seen.append(new String(buffer, 0, read, StandardCharsets.UTF_8));
            }
        }
    }

    private static void stop(Process process) {
        process.destroy();
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new BenchException("the server did not stop");
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    private static double hello() {
        long start = System.nanoTime();
        require(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                root().resolve("bench/target/classes").toString(),
                Hello.class.getName());
        return (System.nanoTime() - start) / 1e9;
    }

    /** Without the benchmarks' own variables, which the server would not know. */
    private static ProcessBuilder asUserWould(ProcessBuilder builder) {
        builder.environment().keySet().removeIf(name -> name.startsWith("STATOR_BENCH_"));
        return builder;
    }
}
