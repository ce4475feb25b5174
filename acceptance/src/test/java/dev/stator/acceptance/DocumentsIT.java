package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Documents that are stored by the command, asked about, kept over a kill, and erased. */
final class DocumentsIT {
    private static final Conversation CAFE = Conversation.of(1).getFirst();

    @TempDir Path folder;

    private Served start() {
        return new Served(
                StatorProcess.up(
                        "--disk-cache",
                        folder.resolve("disk").toString(),
                        "--disk-cache-size",
                        "256MiB"));
    }

    private List<String> docs(Served stator, String... arguments) {
        var command = new ArrayList<>(List.of("docs"));
        command.addAll(List.of(arguments));
        command.addAll(List.of("--url", stator.process().url()));
        try (var process = StatorProcess.start(command.toArray(String[]::new))) {
            assertThat(process.exitCode()).as("%s", process.err()).isZero();
            return process.out();
        }
    }

    private JsonNode ask(Served stator) {
        var body = JsonMapper.shared().createObjectNode().put("model", "default");
        body.put("temperature", 0).put("max_tokens", 48);
        body.putArray("documents").addObject().put("id", "cafe");
        var messages = body.putArray("messages");
        messages.addObject().put("role", "system").put("content", CAFE.system());
        messages.addObject()
                .put("role", "user")
                .put("content", "Question: " + CAFE.turns().getFirst().question());
        return Http.json(stator.http().post("/v1/chat/completions", body.toString()));
    }

    private static String text(JsonNode answer) {
        return answer.at("/choices/0/message/content").asString();
    }

    @Test
    void documentsLiveFromAddToRmAlsoOverAKill() throws IOException {
        // "[doc 1] TITLE", and the text.
        var lines = CAFE.documents().split("\n", 2);
        var file = Files.createDirectory(folder.resolve("files")).resolve("all.jsonl");
        var document = JsonMapper.shared().createObjectNode().put("id", "cafe");
        document.put("title", lines[0].substring("[doc 1] ".length())).put("text", lines[1]);
        Files.writeString(file, document + "\n");
        var system = Files.writeString(folder.resolve("system"), CAFE.system());
        try (var stator = start()) {
            assertThat(docs(stator, "add", "--system", system.toString(), file.toString()))
                    .anyMatch(line -> line.startsWith("stored 1 documents"))
                    .contains("prefilled");
            var answer = ask(stator);
            assertThat(CAFE.turns().getFirst().isRight(text(answer))).isTrue();
            assertThat(answer.at("/usage/prompt_tokens_details/cached_tokens").asInt())
                    .isGreaterThanOrEqualTo(32);
            Await.until(
                    () -> stator.metrics().sum("stator_disk_cache_queue_blocks") == 0,
                    stator::metrics);
            stator.process().kill();
            stator.process().exitCode();
        }
        try (var stator = start()) {
            assertThat(docs(stator, "ls")).anyMatch(line -> line.endsWith(" cafe"));
            assertThat(CAFE.turns().getFirst().isRight(text(ask(stator)))).isTrue();

            assertThat(docs(stator, "rm", "cafe")).containsExactly("erased cafe");

            assertThat(ask(stator).at("/error/code").asString()).isEqualTo("document_not_found");
            assertThat(stator.metrics().sum("stator_disk_cache_blocks")).isLessThanOrEqualTo(1);
            assertThat(stator.metrics().sum("stator_disk_cache_checksum_failures_total")).isZero();
        }
    }
}
