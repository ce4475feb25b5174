package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.routing.Mode;
import dev.stator.serving.NodeOptions;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code cache_control} of messages, before a real node with a small host tier. */
class CacheMarkTest {
    private static final String MARK = ", \"cache_control\": {\"type\": \"ephemeral\"}";
    private static final int BLOCK = 32;

    private DemoNode node;
    private ApiServer server;
    private Client client;

    @BeforeEach
    void start(@TempDir Path folder) {
        node =
                new DemoNode(
                        folder,
                        _ ->
                                new NodeOptions(
                                        Mode.AUTO, 0, 1, 2048, 4096, 2048, 1, 32, 512, 2, 15,
                                        4 << 20, folder, 64));
        server = ApiServer.start(ApiOptions.of("demo", 0), node.fabric());
        client = new Client(server.port());
    }

    @AfterEach
    void stop() {
        client.close();
        server.close();
        node.close();
    }

    private static String system(String word, int words, String mark) {
        return "{\"role\": \"system\", \"content\": \"%s\"%s}"
                .formatted((word + " ").repeat(words), mark);
    }

    private static String user(String text, String mark) {
        return "{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"%s\"%s}]}"
                .formatted(text, mark);
    }

    private JsonNode ask(String... messages) throws Exception {
        var body =
                "{\"messages\": [%s], \"max_tokens\": 2, \"temperature\": 0}"
                        .formatted(String.join(", ", messages));
        var reply = client.post("/v1/chat/completions", body, "x-stator-trace", "1");
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply.json();
    }

    private static int pinned(JsonNode answer) {
        return answer.at("/stator/cache_control/pinned_tokens").asInt();
    }

    private static int cached(JsonNode answer) {
        return answer.at("/usage/prompt_tokens_details/cached_tokens").asInt();
    }

    private int pinnedBlocks() throws Exception {
        return client.get("/admin/cache").json().at("/host/blocks_pinned").asInt();
    }

    @Test
    void aMarkedPromptStaysWhileOthersGo() throws Exception {
        var marked = ask(system("heron", 200, MARK), user("Who?", ""));
        int kept = pinned(marked);
        assertThat(kept).isBetween(200 / BLOCK * BLOCK, 240);
        assertThat(kept % BLOCK).isZero();
        assertThat(pinnedBlocks()).isEqualTo(kept / BLOCK);

        ask(system("otter", 200, ""), user("Who?", ""));
        for (var word : new String[] {"kite", "lynx", "wren", "newt"}) {
            ask(system(word, 450, ""), user("Who?", ""));
        }

        assertThat(cached(ask(system("heron", 200, ""), user("When?", ""))))
                .isGreaterThanOrEqualTo(kept);
        assertThat(cached(ask(system("otter", 200, ""), user("When?", "")))).isLessThan(BLOCK);
        assertThat(client.post("/admin/cache/verify", "{}").json().at("/ok").asBoolean()).isTrue();
    }

    @Test
    void aPartsMarkKeepsItsMessageAndNoMarkKeepsNothing() throws Exception {
        var none = ask(system("heron", 100, ""), user("Who runs the bakery? ".repeat(10), ""));
        assertThat(none.at("/stator/cache_control").isMissingNode()).isTrue();
        assertThat(pinnedBlocks()).isZero();

        int first = pinned(ask(system("heron", 100, MARK), user("Who?", "")));
        int both =
                pinned(
                        ask(
                                system("heron", 100, MARK),
                                user("Who runs the bakery? ".repeat(20), MARK)));

        assertThat(both).isGreaterThan(first);
        // What both keep counts once.
        assertThat(pinnedBlocks()).isEqualTo(both / BLOCK);
    }

    @Test
    void whereNoMoreMayBeKeptTheRequestIsAnsweredAllTheSame() throws Exception {
        int tokens = 0;
        int refused = 0;
        for (var word : new String[] {"heron", "otter", "kite", "lynx", "wren"}) {
            int kept = pinned(ask(system(word, 200, MARK), user("Who?", "")));
            tokens += kept;
            refused += kept == 0 ? 1 : 0;
        }

        assertThat(refused).isPositive();
        int slots = client.get("/admin/cache").json().at("/host/blocks_capacity").asInt();
        assertThat(tokens / BLOCK).isBetween(1, slots / 4);
        assertThat(pinnedBlocks()).isEqualTo(tokens / BLOCK);
    }

    @Test
    void aMarkIsNothingForTheModel() throws Exception {
        var plain = ask(system("heron", 20, ""), user("Who?", ""));
        var marked = ask(system("heron", 20, MARK), user("Who?", MARK));

        assertThat(marked.at("/usage/prompt_tokens")).isEqualTo(plain.at("/usage/prompt_tokens"));
        assertThat(marked.at("/choices/0/message/content"))
                .isEqualTo(plain.at("/choices/0/message/content"));
    }
}
