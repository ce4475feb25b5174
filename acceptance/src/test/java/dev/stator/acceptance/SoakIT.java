package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Hundreds of requests of all kinds at once; in the end nothing is left of them. */
@ExtendWith(SharedServer.class)
final class SoakIT {
    private static final int CLIENTS = 8;
    private static final int REQUESTS_EACH = 30;
    private static final long SEED = 2026;
    private static final int REFUSED = 400;
    private static final long GROWTH_BYTES = 256L << 20;

    private final List<Conversation> conversations = Conversation.all();

    private enum Kind {
        WHOLE,
        STREAMED,
        SEVERAL,
        LEFT,
        WRONG,
        SCHEMA
    }

    @Test
    void nothingIsLeftOfHundredsOfMixedRequests(Served stator) throws Exception {
        soak(stator, SEED);
        long before = privateBytes(stator);
        soak(stator, SEED + 1);
        long after = privateBytes(stator);

        var metrics = stator.metrics();
        assertThat(metrics.inWork()).isZero();
        assertThat(metrics.held()).isZero();
        assertThat(metrics.sum("stator_request_failure_total")).isZero();
        assertThat(after - before).as("growth from %d bytes", before).isLessThan(GROWTH_BYTES);
    }

    private void soak(Served stator, long seed) throws Exception {
        var clients = new ArrayList<Future<?>>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int client = 0; client < CLIENTS; client++) {
                var random = new Random(seed * CLIENTS + client);
                clients.add(
                        threads.submit(
                                () -> {
                                    for (int i = 0; i < REQUESTS_EACH; i++) {
                                        request(stator, random);
                                    }
                                    return random;
                                }));
            }
        }
        for (var client : clients) {
            client.get();
        }
        Metrics.awaitIdle(stator.http());
    }

    private void request(Served stator, Random random) throws IOException {
        var conversation = conversations.get(random.nextInt(conversations.size()));
        var body = body(conversation, 1 + random.nextInt(60));
        switch (Kind.values()[random.nextInt(Kind.values().length)]) {
            case WHOLE -> assertAnswered(stator, body, 1);
            case SEVERAL -> assertAnswered(stator, body.put("n", 3).put("temperature", 1), 3);
            case STREAMED -> assertThat(streamed(stator, body)).isEqualTo("data: [DONE]");
            case LEFT -> leave(stator, body.put("max_tokens", 3000), random.nextInt(3000));
            case WRONG -> assertRefused(stator, body, random);
            case SCHEMA -> {
                body.putObject("response_format").put("type", "json_object");
                assertAnswered(stator, body, 1);
            }
        }
    }

    private static ObjectNode body(Conversation conversation, int maxTokens) {
        var body = JsonMapper.shared().createObjectNode();
        body.put("model", "default").put("temperature", 0).put("max_tokens", maxTokens);
        var messages = body.putArray("messages");
        messages.addObject().put("role", "system").put("content", conversation.system());
        messages.addObject().put("role", "user").put("content", conversation.firstMessage());
        return body;
    }

    private static void assertAnswered(Served stator, ObjectNode body, int choices) {
        var response = stator.http().post("/v1/chat/completions", body.toString());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        assertThat(Http.json(response).get("choices")).hasSize(choices);
    }

    /** The last event. */
    private static String streamed(Served stator, ObjectNode body) throws IOException {
        var text = body.put("stream", true).toString();
        var response = stator.http().stream("/v1/chat/completions", text);
        try (var events = response.body()) {
            return new String(events.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8)
                    .strip()
                    .lines()
                    .toList()
                    .getLast();
        }
    }

    private static void leave(Served stator, ObjectNode body, int afterBytes) throws IOException {
        var text = body.put("stream", true).toString();
        var response = stator.http().stream("/v1/chat/completions", text);
        try (var events = response.body()) {
            events.readNBytes(afterBytes);
        }
    }

    private static void assertRefused(Served stator, ObjectNode body, Random random) {
        switch (random.nextInt(3)) {
            case 0 -> body.put("temperature", "hot");
            case 1 -> body.put("max_tokens", -1);
            default -> body.putArray("messages");
        }
        assertThat(stator.http().post("/v1/chat/completions", body.toString()).statusCode())
                .isEqualTo(REFUSED);
    }

    /** Memory that only the server has, where the system tells; the host tier is not in it. */
    private static long privateBytes(Served stator) {
        var status = Path.of("/proc/%d/status".formatted(stator.process().pid()));
        if (!Files.exists(status)) {
            return 0;
        }
        try (var lines = Files.lines(status)) {
            return lines.filter(line -> line.startsWith("RssAnon:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
                    .sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
