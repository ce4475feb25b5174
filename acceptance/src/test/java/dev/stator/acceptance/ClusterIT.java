package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A frontend and nodes in processes of their own, of which some die, freeze, or are to stop. */
final class ClusterIT {
    @TempDir Path folder;
    private final Map<String, StatorProcess> nodes = new LinkedHashMap<>();
    private StatorProcess frontend;
    private Http http;
    private int seed;
    private int second;
    private String keyFile;

    @BeforeEach
    void start() throws Exception {
        var key = folder.resolve("cluster.key");
        Files.writeString(key, "0123456789abcdef0123456789abcdef");
        keyFile = key.toString();
        seed = freePort();
        node("a", seed);
        second = freePort();
        node("b", second, "--join", "127.0.0.1:" + seed);
        frontend =
                StatorProcess.frontend(
                        "f",
                        freePort(),
                        "--join",
                        "127.0.0.1:" + seed,
                        "--cluster-key-file",
                        keyFile);
        http = new Http(frontend.url());
        awaitStates(Map.of("a", "serving", "b", "serving"));
    }

    @AfterEach
    void stop() {
        http.close();
        frontend.close();
        nodes.values().forEach(StatorProcess::close);
    }

    private StatorProcess node(String name, int port, String... flags) {
        var all = new ArrayList<>(List.of("--cluster-key-file", keyFile));
        all.addAll(List.of(flags));
        var started = StatorProcess.node(name, port, all.toArray(String[]::new));
        nodes.put(name, started);
        return started;
    }

    private StatorProcess named(String name) {
        return Optional.ofNullable(nodes.get(name)).orElseThrow();
    }

    private static int freePort() {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private JsonNode status() {
        var answer = http.get("/admin/cluster");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return Http.json(answer);
    }

    private Map<String, String> states() {
        var states = new TreeMap<String, String>();
        for (var member : status().path("members")) {
            if (member.path("role").asString().equals("node")) {
                states.put(member.path("name").asString(), member.path("state").asString());
            }
        }
        return states;
    }

    private void awaitStates(Map<String, String> expected) {
        Await.until(
                () -> states().equals(expected),
                () -> status() + "\n" + frontend.err() + "\n" + named("a").err());
    }

    /** The node that generates. */
    private String running() {
        var found = new ArrayList<String>();
        Await.until(
                () -> {
                    for (var member : status().path("members")) {
                        if (member.path("running").asInt() > 0) {
                            found.add(member.path("name").asString());
                        }
                    }
                    return !found.isEmpty();
                },
                this::status);
        return found.getFirst();
    }

    private WholeAnswer stream(int tokens) {
        return new WholeAnswer(http, "Question: Who?", tokens);
    }

    private static void signal(StatorProcess process, String name) throws Exception {
        var kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
        assertThat(kill.waitFor()).isZero();
    }

    @Test
    void anAnswerSurvivesANodeThatIsKilledAndOneThatFreezes() throws Exception {
        var expected = stream(1200).await();

        var first = stream(1200);
        first.awaitEvents(100);
        var killed = running();
        named(killed).kill();
        assertThat(first.await()).isEqualTo(expected);
        assertThat(status().at("/counters/moved").asInt()).isEqualTo(1);

        // Another one takes its place: whom it asks may be the one that is dead, or the other.
        node("c", freePort(), "--join", "127.0.0.1:%d,127.0.0.1:%d".formatted(seed, second));
        Await.until(() -> "serving".equals(states().get("c")), this::status);

        var again = stream(1200);
        again.awaitEvents(100);
        var frozen = running();
        signal(named(frozen), "STOP");
        try {
            assertThat(again.await()).isEqualTo(expected);
        } finally {
            signal(named(frozen), "CONT");
        }
        assertThat(status().at("/counters/failed").asInt()).isZero();
        Await.until(() -> "serving".equals(states().get(frozen)), this::status);
        assertThat(stream(1200).await()).isEqualTo(expected);
    }

    @Test
    void aNodeThatIsToStopFinishesOrHandsOverAndNothingFails() throws Exception {
        var streams = new ArrayList<WholeAnswer>();
        for (int i = 0; i < 6; i++) {
            streams.add(stream(300));
        }
        streams.forEach(stream -> stream.awaitEvents(10));
        var stopping = running();
        named(stopping).terminate();
        for (int i = 0; i < 4; i++) {
            streams.add(stream(50));
        }

        for (var stream : streams) {
            assertThat(stream.await()).isNotEmpty();
        }
        assertThat(named(stopping).exitCode()).isZero();
        assertThat(status().at("/counters/failed").asInt()).isZero();
        assertThat(status().at("/counters/nodes_lost").asInt()).isZero();
        Await.until(() -> !states().containsKey(stopping), this::status);
    }

    @Test
    void aNodeOfAnotherModelIsRefusedAndGetsNothing() throws Exception {
        node("other", freePort(), "--join", "127.0.0.1:" + seed, "--kv-type", "f32");
        Await.until(() -> "refused".equals(states().get("other")), this::status);

        assertThat(status().path("wrong").toString())
                .contains("the node other is refused")
                .contains("fingerprint");
        stream(20).await();
        assertThat(states()).containsEntry("other", "refused");
    }

    @Test
    void withoutNodesRequestsAreShedWithAReason() throws Exception {
        nodes.values().forEach(StatorProcess::kill);
        Await.until(
                () ->
                        http.post("/v1/chat/completions", Endless.body("Who?", 5)).statusCode()
                                == 503,
                this::status);

        var refused = http.post("/v1/chat/completions", Endless.body("Who?", 5));
        assertThat(Http.json(refused).at("/error/message").asString()).contains("No node");
        assertThat(refused.headers().firstValue("retry-after")).isPresent();
        assertThat(http.get("/health/ready").statusCode()).isEqualTo(503);
        assertThat(http.get("/health/live").statusCode()).isEqualTo(200);
    }
}
