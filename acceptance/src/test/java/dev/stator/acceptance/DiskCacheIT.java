package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A server that is killed or stopped, and the next one over the same disk cache. */
final class DiskCacheIT {
    /** Less than twelve prompts' blocks. */
    private static final long SMALL_DISK_BYTES = 2 << 20;

    @TempDir Path folder;
    private final Conversation conversation = Conversation.of(5).getFirst();

    private Served start(String... more) {
        var flags =
                new ArrayList<>(
                        List.of(
                                "--disk-cache",
                                folder.resolve("disk").toString(),
                                "--disk-cache-size",
                                "256MiB"));
        flags.addAll(List.of(more));
        return new Served(StatorProcess.up(flags.toArray(String[]::new)));
    }

    private JsonNode ask(Served stator) {
        return ask(stator, conversation);
    }

    private static JsonNode ask(Served stator, Conversation conversation) {
        var body = JsonMapper.shared().createObjectNode().put("model", "default");
        body.put("temperature", 0).put("max_tokens", 48);
        var messages = body.putArray("messages");
        messages.addObject().put("role", "system").put("content", conversation.system());
        messages.addObject().put("role", "user").put("content", conversation.firstMessage());
        var response =
                stator.http().post("/v1/chat/completions", body.toString(), "x-stator-trace", "1");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return Http.json(response);
    }

    private static String text(JsonNode answer) {
        return answer.at("/choices/0/message/content").asString();
    }

    private static int tokens(JsonNode answer, String source) {
        return answer.at("/stator/prompt_tokens/" + source).asInt(0);
    }

    private static void assertAllButTheLastFromDisk(JsonNode answer, String expected) {
        int prompt = answer.at("/usage/prompt_tokens").asInt();
        assertThat(tokens(answer, "computed")).as("%s", answer).isEqualTo(1);
        assertThat(tokens(answer, "disk")).as("%s", answer).isEqualTo(prompt - 1);
        assertThat(answer.at("/usage/prompt_tokens_details/cached_tokens").asInt())
                .isEqualTo(prompt - 1);
        assertThat(text(answer)).isEqualTo(expected);
    }

    private static void awaitWritten(Served stator) {
        Metrics.awaitIdle(stator.http());
        Await.until(
                () -> {
                    var now = stator.metrics();
                    return now.sum("stator_disk_cache_queue_blocks") == 0
                            && now.sum("stator_disk_cache_blocks") > 0;
                },
                stator::metrics);
    }

    @Test
    void aServerThatWasKilledIsFollowedByOneThatIsWarm() {
        String expected;
        try (var stator = start()) {
            var first = ask(stator);
            expected = text(first);
            assertThat(tokens(first, "disk")).isZero();
            awaitWritten(stator);
            stator.process().kill();
            assertThat(stator.process().exitCode()).isNotZero();
        }
        try (var stator = start()) {
            assertAllButTheLastFromDisk(ask(stator), expected);
            var metrics = stator.metrics();
            assertThat(metrics.sum("stator_disk_cache_hits_total")).isPositive();
            assertThat(metrics.sum("stator_disk_cache_checksum_failures_total")).isZero();
            stator.process().terminate();
            assertThat(stator.process().exitCode()).isZero();
        }
        try (var stator = start()) {
            assertAllButTheLastFromDisk(ask(stator), expected);
        }
    }

    @Test
    void bitsThatFlippedOnDiskCostTimeButNoAnswer() throws IOException {
        String expected;
        try (var stator = start()) {
            expected = text(ask(stator));
            awaitWritten(stator);
            stator.process().terminate();
            assertThat(stator.process().exitCode()).isZero();
        }
        flipABitOfEachPage();
        try (var stator = start()) {
            var answer = ask(stator);
            assertThat(text(answer)).isEqualTo(expected);
            assertThat(tokens(answer, "disk")).isZero();
        }
    }

    /** Of all but the first page, which says whose segment it is. */
    private void flipABitOfEachPage() throws IOException {
        try (var files = Files.list(folder.resolve("disk"))) {
            for (var file : files.filter(f -> f.toString().endsWith(".kv")).toList()) {
                try (var segment = new RandomAccessFile(file.toFile(), "rw")) {
                    for (long at = 4096 + 200; at < segment.length(); at += 4096) {
                        segment.seek(at);
                        int was = segment.read();
                        segment.seek(at);
                        segment.write(was ^ 4);
                    }
                }
            }
        }
    }

    @Test
    void aDiskThatFillsUpCostsNoAnswer() throws IOException {
        assumeThat(StatorProcess.canMount()).isTrue();
        var disk = Files.createDirectory(folder.resolve("disk"));
        var conversations = Conversation.of(5).subList(0, 12);
        List<String> expected;
        try (var stator = new Served(StatorProcess.up())) {
            expected = conversations.stream().map(each -> text(ask(stator, each))).toList();
        }
        var flags = new String[] {"--disk-cache", disk.toString(), "--disk-cache-size", "256MiB"};
        try (var stator = new Served(StatorProcess.upOnSmallDisk(disk, SMALL_DISK_BYTES, flags))) {
            for (int again = 0; again < 2; again++) {
                for (int i = 0; i < conversations.size(); i++) {
                    assertThat(text(ask(stator, conversations.get(i)))).isEqualTo(expected.get(i));
                }
            }
            Await.until(
                    () -> stator.metrics().sum("stator_disk_cache_writable") == 0, stator::metrics);
            assertThat(stator.metrics().sum("stator_disk_cache_readable")).isEqualTo(1);
            assertThat(stator.http().get("/health/ready").statusCode()).isEqualTo(200);
            stator.process().terminate();
            assertThat(stator.process().exitCode()).isZero();
            assertThat(stator.process().err())
                    .anySatisfy(
                            line ->
                                    assertThat(line)
                                            .contains("stores nothing more", "No space left"));
        }
    }

    @Test
    void twoServersDoNotShareAFolder() {
        try (var stator = start()) {
            try (var second = StatorProcess.up("--disk-cache", folder.resolve("disk").toString())) {
                assertThat(second.exitCode()).isEqualTo(1);
                assertThat(second.out()).isEmpty();
                assertThat(second.err().getLast())
                        .contains("in use by another server", folder.toString());
            }
            assertThat(text(ask(stator))).isNotEmpty();
        }
    }
}
