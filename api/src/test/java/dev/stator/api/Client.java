package dev.stator.api;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Speaks to a server as a plain HTTP client. */
final class Client implements AutoCloseable {
    static final JsonMapper JSON = JsonMapper.builder().build();

    private static final Duration LIMIT = Duration.ofMinutes(5);

    record Reply(HttpResponse<byte[]> http) {
        int status() {
            return http.statusCode();
        }

        String text() {
            return new String(http.body(), StandardCharsets.UTF_8);
        }

        JsonNode json() {
            return JSON.readTree(http.body());
        }

        String header(String name) {
            return http.headers().firstValue(name).orElse("");
        }

        /** The data of all events; the last is {@code [DONE]} if all went well. */
        List<String> events() {
            return text().lines()
                    .filter(line -> line.startsWith("data: "))
                    .map(line -> line.substring(6))
                    .toList();
        }

        /** The chunks of a stream that ended well. */
        List<JsonNode> chunks() {
            var events = events();
            if (events.isEmpty() || !events.getLast().equals("[DONE]")) {
                throw new AssertionError("the stream did not end with [DONE]: " + text());
            }
            return events.subList(0, events.size() - 1).stream().map(JSON::readTree).toList();
        }
    }

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final String base;

    Client(int port) {
        this.base = "http://127.0.0.1:" + port;
    }

    Reply get(String path, String... headers) throws IOException, InterruptedException {
        return send(request(path, headers).GET().build());
    }

    Reply post(String path, String body, String... headers)
            throws IOException, InterruptedException {
        return post(path, body.getBytes(StandardCharsets.UTF_8), headers);
    }

    Reply post(String path, byte[] body, String... headers)
            throws IOException, InterruptedException {
        return send(
                request(path, headers)
                        .header("content-type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                        .build());
    }

    Reply send(HttpRequest request) throws IOException, InterruptedException {
        return new Reply(http.send(request, HttpResponse.BodyHandlers.ofByteArray()));
    }

    /** Sends a body and reads the answer line by line as it comes. */
    CompletableFuture<HttpResponse<Stream<String>>> send(HttpRequest.Builder to, String body) {
        return http.sendAsync(
                to.header("content-type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofLines());
    }

    HttpRequest.Builder request(String path, String... headers) {
        var request = HttpRequest.newBuilder(URI.create(base + path)).timeout(LIMIT);
        return headers.length == 0 ? request : request.headers(headers);
    }

    @Override
    public void close() {
        // close() would wait for bodies that no test reads to their end.
        http.shutdownNow();
    }
}
