package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** From the start of a server to its end, the good one and the sudden one. */
final class LifeIT {
    private static String ask(Conversation conversation) {
        var mapper = JsonMapper.shared();
        var body = mapper.createObjectNode().put("model", "default").put("temperature", 0);
        body.put("max_tokens", 48);
        var messages = body.putArray("messages");
        messages.addObject().put("role", "system").put("content", conversation.system());
        messages.addObject().put("role", "user").put("content", conversation.firstMessage());
        return body.toString();
    }

    private static String answer(Served stator, Conversation conversation) {
        var response = stator.http().post("/v1/chat/completions", ask(conversation));
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return Http.json(response).at("/choices/0/message/content").asString();
    }

    private static long right(Served stator, List<Conversation> conversations) {
        return conversations.stream()
                .filter(one -> one.turns().getFirst().isRight(answer(stator, one)))
                .count();
    }

    private static List<Path> files(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    @Test
    void aServerThatIsToStopAnswersWhatRunsAndTakesNothingNew() {
        try (var stator = new Served(StatorProcess.up());
                var running = Endless.start(stator.http(), "Question: Who?", 1000, "none")) {
            running.awaitFirstToken();
            stator.process().terminate();
            Await.until(
                    () -> stator.http().get("/health/ready").statusCode() == 503,
                    () -> stator.process().err());

            var refused =
                    stator.http().post("/v1/chat/completions", ask(Conversation.of(1).getFirst()));
            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(refused.headers().firstValue("retry-after")).isPresent();
            assertThat(Http.json(refused).at("/error/code").asString()).isEqualTo("overloaded");
            assertThat(running.awaitEnd()).isEqualTo("data: [DONE]");
            assertThat(stator.process().exitCode()).isZero();
        }
    }

    @Test
    void aServerThatWasKilledLeavesNothingInTheWayOfTheNext(@TempDir Path folder) throws Exception {
        var conversation = Conversation.of(3).getFirst();
        String before;
        try (var stator = new Served(StatorProcess.up("--host-cache-folder", folder.toString()));
                var running = Endless.start(stator.http(), "none")) {
            running.awaitFirstToken();
            before = answer(stator, conversation);
            stator.process().kill();
            assertThat(stator.process().exitCode()).isNotZero();
        }
        try (var stator = new Served(StatorProcess.up("--host-cache-folder", folder.toString()))) {
            assertThat(answer(stator, conversation)).isEqualTo(before);
            assertThat(files(folder)).hasSizeLessThanOrEqualTo(1);
            stator.process().terminate();
            assertThat(stator.process().exitCode()).isZero();
        }
        assertThat(files(folder)).isEmpty();
    }

    @Test
    void aFullHostTierCostsTimeButNoAnswer() {
        var conversations =
                Conversation.of(5).stream()
                        .filter(one -> one.turns().getFirst().isAnswerable())
                        .limit(12)
                        .toList();
        // Room for two of these prompts.
        try (var stator =
                new Served(StatorProcess.up("--host-cache", "1MiB", "--mode", "disaggregated"))) {
            assertThat(right(stator, conversations)).isGreaterThanOrEqualTo(11);
            assertThat(right(stator, conversations)).isGreaterThanOrEqualTo(11);

            Metrics.awaitIdle(stator.http());
            assertThat(stator.metrics().sum("stator_host_cache_evictions_total")).isPositive();
        }
    }
}
