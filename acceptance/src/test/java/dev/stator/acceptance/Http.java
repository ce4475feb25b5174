package dev.stator.acceptance;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Plain HTTP to one server, for what client libraries do not let through. */
final class Http implements AutoCloseable {
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final String url;

    Http(String url) {
        this.url = url;
    }

    URI address() {
        return URI.create(url);
    }

    HttpResponse<String> get(String path) {
        return send(
                HttpRequest.newBuilder(URI.create(url + path)).build(), BodyHandlers.ofString());
    }

    HttpResponse<String> post(String path, String json, String... headers) {
        return send(request(path, json, headers), BodyHandlers.ofString());
    }

    /** The body is to be read while it comes, and to be closed. */
    HttpResponse<InputStream> stream(String path, String json, String... headers) {
        return send(request(path, json, headers), BodyHandlers.ofInputStream());
    }

    private HttpRequest request(String path, String json, String... headers) {
        var request =
                HttpRequest.newBuilder(URI.create(url + path))
                        .timeout(Await.PATIENCE)
                        .header("content-type", "application/json")
                        .POST(BodyPublishers.ofString(json));
        return (headers.length == 0 ? request : request.headers(headers)).build();
    }

    private <T> HttpResponse<T> send(HttpRequest request, BodyHandler<T> handler) {
        try {
            return client.send(request, handler);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    static JsonNode json(HttpResponse<String> response) {
        return JsonMapper.shared().readTree(response.body());
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}
