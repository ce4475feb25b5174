package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.json.JsonMapper;

/** A streamed answer that is read to its end while something happens. */
final class WholeAnswer {
    private final Http server;
    private final StringBuilder text = new StringBuilder();
    private final CompletableFuture<String> end = new CompletableFuture<>();
    private volatile int events;

    /**
     * @param tokens of the answer
     */
    WholeAnswer(Http server, String question, int tokens) {
        this.server = server;
        Thread.ofVirtual().start(() -> read(question, tokens));
    }

    private void read(String question, int tokens) {
        try (var own = new Http(server.address().toString());
                var lines =
                        new BufferedReader(
                                new InputStreamReader(
                                        own.stream(
                                                        "/v1/chat/completions",
                                                        Endless.body(question, tokens))
                                                .body(),
                                        StandardCharsets.UTF_8))) {
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("data: {")) {
                    var event = JsonMapper.shared().readTree(line.substring(6));
                    assertThat(event.has("error")).as(line).isFalse();
                    text.append(event.at("/choices/0/delta/content").asString(""));
                    events++;
                } else if (line.equals("data: [DONE]")) {
                    end.complete(text.toString());
                }
            }
            end.completeExceptionally(new AssertionError("the answer broke off"));
        } catch (IOException | RuntimeException | AssertionError e) {
            end.completeExceptionally(e);
        }
    }

    void awaitEvents(int count) {
        Await.until(() -> events >= count || end.isDone(), () -> events);
    }

    String await() throws Exception {
        return end.get(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
}
