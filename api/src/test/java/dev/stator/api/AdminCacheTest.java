package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** An operator sees and steers the cache of a real node. */
@TestInstance(Lifecycle.PER_CLASS)
class AdminCacheTest {
    private static final String ABSENT = "0123456789abcdef0123456789abcdef";

    private DemoNode node;
    private ApiServer server;
    private Client client;

    @BeforeAll
    void start(@TempDir Path folder) {
        node = new DemoNode(folder);
        server = ApiServer.start(ApiOptions.of("demo", 0), node.fabric());
        client = new Client(server.port());
    }

    @AfterAll
    void stop() {
        client.close();
        server.close();
        node.close();
    }

    /** Asks for an answer to a prompt of more than two blocks; returns the longest prefix. */
    private JsonNode prefixOf(String word) throws Exception {
        var prompt = (word + " ").repeat(100);
        var reply =
                client.post(
                        "/v1/completions",
                        "{\"model\": \"default\", \"prompt\": \"%s\", \"max_tokens\": 2}"
                                .formatted(prompt));
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return prefixes("latest").getFirst();
    }

    private List<JsonNode> prefixes(String order) throws Exception {
        var json = client.get("/admin/cache?prefixes=1000&order=" + order).json();
        return StreamSupport.stream(json.at("/prefixes").spliterator(), false).toList();
    }

    private Client.Reply post(String action, String body) throws Exception {
        return client.post("/admin/cache/" + action, body);
    }

    private static String named(JsonNode prefix) {
        return "{\"key\": \"%s\"}".formatted(prefix.at("/key").asString());
    }

    @Test
    void whatWasComputedIsListedAndCounted() throws Exception {
        var prefix = prefixOf("heron");

        assertThat(prefix.at("/blocks").asInt()).isGreaterThan(2);
        assertThat(prefix.at("/tokens").asInt()).isGreaterThan(64);
        assertThat(client.get("/admin/cache").json().at("/host/blocks").asInt()).isGreaterThan(2);
        assertThat(post("verify", "{}").json().at("/ok").asBoolean()).isTrue();
    }

    @Test
    void aDroppedPrefixIsGoneAndAnswersGoOn() throws Exception {
        var prefix = prefixOf("otter");

        assertThat(post("drop", named(prefix)).json().at("/dropped_blocks").asInt()).isPositive();

        assertThat(prefixes("saved"))
                .noneMatch(other -> other.at("/key").equals(prefix.at("/key")));
        assertThat(post("drop", named(prefix)).status()).isEqualTo(404);
        assertThat(post("verify", "{}").json().at("/ok").asBoolean()).isTrue();
        prefixOf("otter");
        assertThat(post("verify", "{}").json().at("/ok").asBoolean()).isTrue();
    }

    @Test
    void aPinShowsAndEndsWhenItIsTakenBackOrItsTimeIsOver() throws Exception {
        var prefix = prefixOf("kite");
        var pin = "{\"key\": \"%s\", \"ttl\": %s}";
        var key = prefix.at("/key").asString();

        var reply = post("pin", pin.formatted(key, "\"1h\""));
        assertThat(reply.json().at("/pinned_blocks").asInt())
                .as(reply.text())
                .isEqualTo(prefix.at("/blocks").asInt());
        assertThat(reply.json().at("/ttl_seconds").asInt()).isEqualTo(3600);
        assertThat(isPinned(key)).isTrue();
        assertThat(post("unpin", named(prefix)).status()).isEqualTo(200);
        assertThat(isPinned(key)).isFalse();
        assertThat(post("unpin", named(prefix)).status()).isEqualTo(404);

        assertThat(post("pin", pin.formatted(key, "1")).status()).isEqualTo(200);
        while (isPinned(key)) {
            Thread.sleep(50);
        }
    }

    private boolean isPinned(String key) throws Exception {
        return prefixes("latest").stream()
                .anyMatch(
                        prefix ->
                                prefix.at("/key").asString().equals(key)
                                        && prefix.at("/pinned").asBoolean());
    }

    @Test
    void whatIsWrongIsSaid() throws Exception {
        for (var body :
                List.of(
                        "{}",
                        "{\"key\": 1}",
                        "{\"key\": \"xyz\"}",
                        "{\"key\": \"%s\", \"ttl\": \"2h\"}".formatted(ABSENT),
                        "{\"key\": \"%s\", \"ttl\": 0}".formatted(ABSENT),
                        "{\"key\": \"%s\", \"ttl\": 86401}".formatted(ABSENT))) {
            assertThat(post("pin", body).status()).as(body).isEqualTo(400);
        }
        var absent = "{\"key\": \"%s\"}".formatted(ABSENT);
        for (var action : List.of("pin", "unpin", "drop")) {
            var reply = post(action, absent);
            assertThat(reply.status()).as(action).isEqualTo(404);
            assertThat(reply.json().at("/error/message").asString()).contains(ABSENT);
        }
        for (var query : List.of("prefixes=0", "prefixes=x", "order=none")) {
            assertThat(client.get("/admin/cache?" + query).status()).as(query).isEqualTo(400);
        }
        assertThat(client.get("/admin/cache/drop").status()).isEqualTo(405);
    }
}
