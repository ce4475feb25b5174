package dev.stator.bench;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A {@code stator up} of its own, spoken to over HTTP. */
final class SoakServer implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final long STOP_SECONDS = 60;

    private final Process process;
    private final URI url;
    private final HttpClient http = HttpClient.newHttpClient();

    private SoakServer(Process process, URI url) {
        this.process = process;
        this.url = url;
    }

    static SoakServer start(Path command, List<String> flags) {
        var line = new ArrayList<>(List.of(command.toString(), "up", "--port", "0"));
        line.addAll(flags);
        var builder = new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().keySet().removeIf(name -> name.startsWith("STATOR_BENCH_"));
        builder.environment().put("STATOR_AOT", "off");
        try {
            var process = builder.start();
            var out = process.inputReader(StandardCharsets.UTF_8);
            for (var said = out.readLine(); said != null; said = out.readLine()) {
                if (said.startsWith("ready ")) {
                    return new SoakServer(process, URI.create(said.split(" ")[1]));
                }
            }
            throw new BenchException("the server ended before it was ready");
        } catch (IOException e) {
            throw new BenchException("cannot start " + command + ": " + e.getMessage(), e);
        }
    }

    /** The body of the answer; fails unless its status is 200. */
    String post(String path, String body) {
        return send(
                HttpRequest.newBuilder(url.resolve(path))
                        .timeout(PATIENCE)
                        .header("content-type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build());
    }

    private String send(HttpRequest request) {
        try {
            var response = http.send(request, HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() != 200) {
                throw new BenchException(
                        "the server answered %d: %s"
                                .formatted(response.statusCode(), response.body()));
            }
            return response.body();
        } catch (IOException e) {
            throw new BenchException("the server did not answer: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        }
    }

    /** All values of the metrics whose names begin like this, added up. */
    double metric(String metrics, String name) {
        return metrics.lines()
                .filter(line -> line.startsWith(name + " ") || line.startsWith(name + "{"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    String metrics() {
        return send(
                HttpRequest.newBuilder(url.resolve("/metrics")).timeout(PATIENCE).GET().build());
    }

    /**
     * Memory that only the server has, where the system tells; the host tier, which is a file, is
     * not in it.
     */
    Optional<Long> privateBytes() {
        var status = Path.of("/proc/%d/status".formatted(process.pid()));
        try {
            return Files.readAllLines(status).stream()
                    .filter(line -> line.startsWith("RssAnon:"))
                    .map(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .findFirst();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        http.close();
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
}
