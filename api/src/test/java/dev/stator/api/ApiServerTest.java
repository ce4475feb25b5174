package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.serving.Admission;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GenerationListener;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ApiServerTest {
    private final StubFabric fabric = new StubFabric();

    @Test
    void aTakenPortIsNamed() {
        try (var first = ApiServer.start(ApiOptions.of("stub", 0), fabric)) {
            assertThatThrownBy(() -> ApiServer.start(ApiOptions.of("stub", first.port()), fabric))
                    .isInstanceOf(ApiStartException.class)
                    .hasMessage(
                            "port %d is in use: choose another with --port, or 0 for a free one"
                                    .formatted(first.port()));
        }
    }

    @Test
    void anUnknownHostIsNamed() {
        var options =
                new ApiOptions(
                        "203.0.113.1",
                        0,
                        "stub",
                        List.of(),
                        2048,
                        0,
                        1,
                        1 << 20,
                        Duration.ofSeconds(60));
        assertThatThrownBy(() -> ApiServer.start(options, fabric))
                .isInstanceOf(ApiStartException.class)
                .hasMessageContaining("203.0.113.1");
    }

    @Test
    void severalEventLoopsShareThePort() throws Exception {
        var options =
                new ApiOptions(
                        "127.0.0.1",
                        0,
                        "stub",
                        List.of(),
                        2048,
                        0,
                        3,
                        1 << 20,
                        Duration.ofSeconds(60));
        try (var server = ApiServer.start(options, fabric)) {
            for (int i = 0; i < 6; i++) {
                try (var client = new Client(server.port())) {
                    assertThat(client.get("/health/live").status()).isEqualTo(200);
                }
            }
        }
    }

    @Test
    void drainingFinishesWhatRuns() throws Exception {
        var heard = new CompletableFuture<GenerationListener>();
        fabric.script(
                (_, listener) -> {
                    heard.complete(listener);
                    return (Admission.Admitted) () -> {};
                });
        try (var server = ApiServer.start(ApiOptions.of("stub", 0), fabric);
                var client = new Client(server.port())) {
            var answer =
                    client.send(
                            client.request("/v1/completions"),
                            "{\"prompt\": \"x\", \"stream\": true}");
            var listener = heard.get(30, TimeUnit.SECONDS);
            assertThat(server.drain(Duration.ZERO)).isFalse();
            var drained = CompletableFuture.supplyAsync(() -> server.drain(Duration.ofSeconds(30)));
            StubFabric.say(listener, "late");
            listener.onFinish(FinishReason.STOP, "", StubFabric.account(fabric.requests.take(), 1));

            assertThat(drained.get(30, TimeUnit.SECONDS)).isTrue();
            assertThat(answer.get(30, TimeUnit.SECONDS).body())
                    .anyMatch(line -> line.contains("late"))
                    .contains("data: [DONE]");
        }
    }

    @Test
    void anEngineMaySpeakAfterTheServerHasClosed() throws Exception {
        var heard = new CompletableFuture<GenerationListener>();
        var cancelled = new CompletableFuture<Boolean>();
        fabric.script(
                (_, listener) -> {
                    heard.complete(listener);
                    return (Admission.Admitted) () -> cancelled.complete(true);
                });
        try (var server = ApiServer.start(ApiOptions.of("stub", 0), fabric);
                var client = new Client(server.port())) {
            var answer =
                    client.send(
                            client.request("/v1/completions"),
                            "{\"prompt\": \"x\", \"stream\": true}");
            StubFabric.say(heard.get(30, TimeUnit.SECONDS), "a");
            assertThat(answer.get(30, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
            server.close();
            assertThat(cancelled.get(30, TimeUnit.SECONDS)).isTrue();
        }

        StubFabric.say(heard.get(), "b");
    }

    @Test
    void optionsAreChecked() {
        assertThatThrownBy(() -> ApiOptions.of(" ", 0)).hasMessage("the model needs a name");
        assertThatThrownBy(() -> ApiOptions.of("a\nb", 0)).hasMessageContaining("control");
        assertThatThrownBy(() -> ApiOptions.of("a", 70_000)).hasMessageContaining("65535");
    }
}
