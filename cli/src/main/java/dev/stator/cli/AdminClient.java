package dev.stator.cli;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** Asks a running server's admin endpoints. */
final class AdminClient implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final URI url;
    private final Optional<String> apiKey;
    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(Duration.ofSeconds(10))
                    .build();

    AdminClient(URI url, Optional<String> apiKey) {
        this.url = url;
        this.apiKey = apiKey;
    }

    /**
     * @throws Refusal if there is no server, or it refuses
     */
    JsonNode get(String path) {
        return send(HttpRequest.newBuilder(url.resolve(path)).GET());
    }

    /**
     * @throws Refusal if there is no server, or it refuses
     */
    JsonNode post(String path, JsonNode body) {
        return send(
                HttpRequest.newBuilder(url.resolve(path))
                        .header("content-type", "application/json")
                        .POST(BodyPublishers.ofByteArray(JSON.writeValueAsBytes(body))));
    }

    /**
     * @throws Refusal if there is no server, or it refuses
     */
    JsonNode delete(String path) {
        return send(HttpRequest.newBuilder(url.resolve(path)).DELETE());
    }

    /**
     * What a JSON text says.
     *
     * @throws Refusal if it is none
     */
    static JsonNode parsed(String json) {
        try {
            return JSON.readTree(json);
        } catch (JacksonException e) {
            throw Refusal.failed(
                    "'%s' is no JSON (%s)".formatted(shortened(json), e.getOriginalMessage()));
        }
    }

    private static String shortened(String text) {
        return text.length() <= 60 ? text : text.substring(0, 60) + "…";
    }

    /**
     * Sends a file as it is.
     *
     * @throws Refusal if there is no server, or it refuses
     */
    JsonNode upload(String path, Path file) {
        try {
            return exchange(
                    HttpRequest.newBuilder(url.resolve(path))
                            .header("content-type", "application/octet-stream")
                            .POST(BodyPublishers.ofFile(file)),
                    answer -> JSON.readTree(answer.readAllBytes()));
        } catch (FileNotFoundException _) {
            throw Refusal.failed("there is no file %s".formatted(file));
        }
    }

    /**
     * Reads an answer that is no JSON as it comes.
     *
     * @throws Refusal if there is no server, it refuses, or the answer does not come to its end
     */
    <T> T download(String path, Reader<T> reader) {
        return exchange(HttpRequest.newBuilder(url.resolve(path)).GET(), reader);
    }

    /** Reads an answer's body. */
    @FunctionalInterface
    interface Reader<T> {
        T read(InputStream body) throws IOException;
    }

    private JsonNode send(HttpRequest.Builder request) {
        return exchange(
                request.timeout(Duration.ofMinutes(1)),
                answer -> JSON.readTree(answer.readAllBytes()));
    }

    private <T> T exchange(HttpRequest.Builder request, Reader<T> reader) {
        apiKey.ifPresent(key -> request.header("authorization", "Bearer " + key));
        try {
            var response = http.send(request.build(), BodyHandlers.ofInputStream());
            try (var body = response.body()) {
                if (response.statusCode() == 401) {
                    throw Refusal.failed(
                            "the server asks for a key: give it with --api-key or STATOR_API_KEY");
                }
                if (response.statusCode() != 200) {
                    throw Refusal.failed(
                            "the server answers %d: %s"
                                    .formatted(
                                            response.statusCode(),
                                            JSON.readTree(body.readAllBytes())
                                                    .at("/error/message")
                                                    .asString("no reason")));
                }
                return reader.read(body);
            }
        } catch (ConnectException e) {
            throw Refusal.failed(
                    "there is no server at %s: start one with 'stator up', or name another with --url"
                            .formatted(url));
        } catch (IOException | JacksonException e) {
            throw Refusal.failed("cannot ask %s (%s)".formatted(url, e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Refusal.failed("interrupted");
        }
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
