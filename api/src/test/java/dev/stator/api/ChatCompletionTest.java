package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

@TestInstance(Lifecycle.PER_CLASS)
class ChatCompletionTest {
    private static final String PATH = "/v1/chat/completions";

    /** Three documents and a question; the answer names the third. */
    private static final String MESSAGES =
            """
            [{"role": "system", "content": "Answer from the documents only and cite the source."},
             {"role": "user", "content": "[doc 1] Velmora Bakery\\nVelmora Bakery is run by Tam Velkor. It closes at 8:30.\\nQuestion: Who runs Velmora Bakery?"}]
            """;

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

    private static String body(String more) {
        return "{\"model\": \"default\", \"messages\": %s, \"temperature\": 0%s}"
                .formatted(MESSAGES, more);
    }

    @Test
    void answersInOneBody() throws Exception {
        var reply = client.post(PATH, body(""));

        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        var json = reply.json();
        assertThat(json.at("/object").asString()).isEqualTo("chat.completion");
        assertThat(json.at("/model").asString()).isEqualTo("demo");
        assertThat(json.at("/choices/0/message/role").asString()).isEqualTo("assistant");
        assertThat(json.at("/choices/0/message/content").asString()).contains("Tam Velkor");
        assertThat(json.at("/choices/0/finish_reason").asString()).isEqualTo("stop");
        assertThat(json.at("/usage/total_tokens").asInt())
                .isEqualTo(
                        json.at("/usage/prompt_tokens").asInt()
                                + json.at("/usage/completion_tokens").asInt());
    }

    @Test
    void streamsTheSameAnswer() throws Exception {
        var whole = client.post(PATH, body("")).json().at("/choices/0/message/content").asString();

        var reply = client.post(PATH, body(", \"stream\": true"));

        assertThat(reply.header("content-type")).startsWith("text/event-stream");
        var chunks = reply.chunks();
        assertThat(chunks.getFirst().at("/choices/0/delta/role").asString()).isEqualTo("assistant");
        assertThat(chunks.getLast().at("/choices/0/finish_reason").asString()).isEqualTo("stop");
        assertThat(text(chunks, 0)).isEqualTo(whole);
    }

    private static String text(java.util.List<JsonNode> chunks, int choice) {
        var text = new StringBuilder();
        for (var chunk : chunks) {
            for (var each : chunk.at("/choices")) {
                if (each.at("/index").asInt() == choice) {
                    text.append(each.at("/delta/content").asString(""));
                }
            }
        }
        return text.toString();
    }
}
