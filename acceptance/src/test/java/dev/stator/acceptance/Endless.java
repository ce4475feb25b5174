package dev.stator.acceptance;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A streamed answer that goes on for as long as the context allows. Closing it breaks the
 * connection, as a client does that leaves.
 */
final class Endless implements AutoCloseable {
    /** The token that ends answers is forbidden. */
    private static final String BODY =
            """
            {"model": "default", "stream": true, "max_tokens": %d, "logit_bias": {"1535": -100},
             "temperature": 0, "messages": [{"role": "user", "content": "%s"}]}""";

    private final Http http;
    private final CompletableFuture<BufferedReader> lines;

    private Endless(Http http, CompletableFuture<BufferedReader> lines) {
        this.http = http;
        this.lines = lines;
    }

    static String body(String question, int tokens) {
        return BODY.formatted(tokens, question);
    }

    /** Sends the request on a connection of its own and does not wait for the answer to begin. */
    static Endless start(Http server, String authorization) {
        return start(server, "Question: Who?", 4000, authorization);
    }

    static Endless start(Http server, String question, int tokens, String authorization) {
        var own = new Http(server.address().toString());
        var lines = new CompletableFuture<BufferedReader>();
        Thread.ofVirtual()
                .start(
                        () -> {
                            try {
                                var response =
                                        own.stream(
                                                "/v1/chat/completions",
                                                body(question, tokens),
                                                "authorization",
                                                authorization);
                                if (response.statusCode() != 200) {
                                    throw new IllegalStateException(
                                            "the server answers " + response.statusCode());
                                }
                                lines.complete(
                                        new BufferedReader(
                                                new InputStreamReader(
                                                        response.body(), StandardCharsets.UTF_8)));
                            } catch (RuntimeException e) {
                                lines.completeExceptionally(e);
                            }
                        });
        return new Endless(own, lines);
    }

    void awaitFirstToken() {
        for (int i = 0; i < 2; i++) {
            line();
        }
    }

    /** The next event. */
    private String line() {
        try {
            for (var line = reader().readLine(); line != null; line = reader().readLine()) {
                if (!line.isEmpty()) {
                    return line;
                }
            }
            throw new AssertionError("the answer ended");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The last event of the answer. */
    String awaitEnd() {
        return reader().lines().filter(line -> !line.isEmpty()).toList().getLast();
    }

    private BufferedReader reader() {
        try {
            return lines.get(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError("the answer does not begin", e);
        }
    }

    @Override
    public void close() {
        http.close();
    }
}
