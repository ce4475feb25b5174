package dev.stator.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * Asks a server with the OpenAI chat API and hears the answer as it is made. One question at a
 * time.
 */
final class ChatClient implements AutoCloseable {
    private static final String DATA = "data:";
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * @param url without the path of the API
     */
    record Target(
            URI url,
            Optional<String> apiKey,
            String model,
            Optional<Integer> maxTokens,
            Optional<Double> temperature) {}

    private final Target target;
    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(Duration.ofSeconds(10))
                    .build();
    private final Object lock = new Object();
    private Optional<CompletableFuture<?>> sending = Optional.empty();
    private Optional<InputStream> receiving = Optional.empty();
    private boolean cancelled;

    ChatClient(Target target) {
        this.target = target;
    }

    /**
     * Asks and waits for the end of the answer.
     *
     * @param onText hears each piece of the answer
     * @throws Refusal if there is no server, or it does not answer
     */
    ChatAnswer ask(List<ChatMessage> messages, Consumer<String> onText) {
        synchronized (lock) {
            cancelled = false;
        }
        var reading = new ChatReading(onText);
        try (var body = body(send(messages))) {
            var lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith(DATA)) {
                    reading.event(line.substring(DATA.length()).strip());
                }
            }
        } catch (CancellationException _) {
            return reading.answer(true);
        } catch (IOException | JacksonException e) {
            if (!isCancelled()) {
                throw Refusal.failed(
                        "the connection broke during the answer (%s)".formatted(e.getMessage()));
            }
        } finally {
            synchronized (lock) {
                sending = Optional.empty();
                receiving = Optional.empty();
            }
        }
        return reading.answer(isCancelled());
    }

    /** Stops the answer that is being made, if any; from any thread. */
    void cancel() {
        synchronized (lock) {
            cancelled = true;
            sending.ifPresent(future -> future.cancel(true));
            receiving.ifPresent(ChatClient::closeQuietly);
        }
    }

    private boolean isCancelled() {
        synchronized (lock) {
            return cancelled;
        }
    }

    private HttpResponse<InputStream> send(List<ChatMessage> messages) {
        var future = http.sendAsync(request(messages), BodyHandlers.ofInputStream());
        synchronized (lock) {
            sending = Optional.of(future);
        }
        try {
            return future.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof ConnectException) {
                throw Refusal.failed(
                        "there is no server at %s: start one with 'stator up', or name another with --url"
                                .formatted(target.url));
            }
            throw Refusal.failed("cannot reach %s (%s)".formatted(target.url, e.getCause()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException();
        }
    }

    private InputStream body(HttpResponse<InputStream> response) throws IOException {
        if (response.statusCode() != 200) {
            try (var body = response.body()) {
                throw refused(response, new String(body.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
        synchronized (lock) {
            receiving = Optional.of(response.body());
        }
        return response.body();
    }

    private Refusal refused(HttpResponse<?> response, String body) {
        int status = response.statusCode();
        if (status == 401) {
            return Refusal.failed(
                    "the server asks for a key: give it with --api-key or STATOR_API_KEY");
        }
        var retry =
                response.headers()
                        .firstValue("retry-after")
                        .map("; try again in %s s"::formatted)
                        .orElse("");
        return Refusal.failed("the server answers %d: %s%s".formatted(status, reason(body), retry));
    }

    private static String reason(String body) {
        try {
            var message = JSON.readTree(body).path("error").path("message");
            if (message.isString()) {
                return message.stringValue();
            }
        } catch (JacksonException _) {
            // It is no server of this API; what it says is shown as it is.
        }
        var line = body.lines().findFirst().orElse("");
        return line.substring(0, Math.min(200, line.length()));
    }

    private HttpRequest request(List<ChatMessage> messages) {
        var request =
                HttpRequest.newBuilder(target.url.resolve("/v1/chat/completions"))
                        .header("content-type", "application/json")
                        .header("x-stator-trace", "1")
                        .POST(BodyPublishers.ofByteArray(JSON.writeValueAsBytes(json(messages))));
        target.apiKey.ifPresent(key -> request.header("authorization", "Bearer " + key));
        return request.build();
    }

    private JsonNode json(List<ChatMessage> messages) {
        var json = JSON.createObjectNode().put("model", target.model).put("stream", true);
        json.putObject("stream_options").put("include_usage", true);
        target.maxTokens.ifPresent(most -> json.put("max_completion_tokens", most));
        target.temperature.ifPresent(degree -> json.put("temperature", degree));
        var array = json.putArray("messages");
        for (var message : messages) {
            array.addObject().put("role", message.role()).put("content", message.content());
        }
        return json;
    }

    private static void closeQuietly(InputStream stream) {
        try {
            stream.close();
        } catch (IOException _) {
            // It is cancelled: how it ends does not matter.
        }
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
