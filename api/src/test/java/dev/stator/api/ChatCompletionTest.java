package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.serving.FabricStats;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
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
        assertThat(json.at("/choices/0/message/content").asString()).contains("[doc 1]");
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

    @Test
    void theSecondTimeThePromptIsNotComputed() throws Exception {
        client.post(PATH, body(""));

        var json = client.post(PATH, body(""), "x-stator-trace", "1").json();

        int prompt = json.at("/usage/prompt_tokens").asInt();
        assertThat(json.at("/usage/prompt_tokens_details/cached_tokens").asInt())
                .isEqualTo(prompt - 1);
        var sources = json.at("/stator/prompt_tokens");
        assertThat(sources.at("/computed").asInt()).isEqualTo(1);
        assertThat(sources.valueStream().mapToInt(JsonNode::asInt).sum()).isEqualTo(prompt);
    }

    @Test
    void severalAnswersComputeThePromptOnce() throws Exception {
        var body = body(", \"n\": 3, \"cache_salt\": \"several\"");

        var json = client.post(PATH, body, "x-stator-trace", "1").json();

        assertThat(json.at("/choices").size()).isEqualTo(3);
        int prompt = json.at("/usage/prompt_tokens").asInt();
        int computed = 0;
        for (var answer : json.at("/stator/answers")) {
            var sources = answer.at("/prompt_tokens");
            assertThat(sources.valueStream().mapToInt(JsonNode::asInt).sum()).isEqualTo(prompt);
            computed += sources.at("/computed").asInt();
        }
        // Each answer computes the prompt's last token itself.
        assertThat(computed).isEqualTo(prompt + 2);
    }

    @Test
    void anotherSaltSharesNothing() throws Exception {
        client.post(PATH, body(", \"cache_salt\": \"a\""));

        var json = client.post(PATH, body(", \"cache_salt\": \"b\"")).json();

        assertThat(json.at("/usage/prompt_tokens_details/cached_tokens").asInt()).isZero();
    }

    @Test
    void anAnswerStopsWhenItsClientLeaves() throws Exception {
        var body =
                body(", \"stream\": true, \"ignore_eos\": true, \"max_tokens\": 1800")
                        .getBytes(StandardCharsets.UTF_8);
        try (var socket = new Socket("127.0.0.1", server.port())) {
            var head =
                    "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
                            .formatted(PATH, body.length);
            socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
            socket.getOutputStream().write(body);
            assertThat(socket.getInputStream().read()).isEqualTo('H');
        }
        // Ends only if the answer does not go on to its 1,800 tokens, which the count shows.
        while (running() > 0) {
            LockSupport.parkNanos(1_000_000);
        }
        assertThat(node.fabric().stats().generatedTokens()).isLessThan(1800);
        assertThat(client.get("/metrics").text()).contains("stator_request_cancelled_total 1.0");
    }

    private int running() {
        return node.fabric().stats().workers().stream().mapToInt(FabricStats.Worker::running).sum();
    }

    @Test
    void tokensAreCountedAsTheChatReadsThem() throws Exception {
        int count = client.post("/tokenize", body("")).json().at("/count").asInt();

        assertThat(client.post(PATH, body("")).json().at("/usage/prompt_tokens").asInt())
                .isEqualTo(count);
    }

    @Test
    void anAnswerFollowsItsSchema() throws Exception {
        var json =
                client.post(
                                PATH,
                                body(
                                        """
                                        , "max_tokens": 100, "response_format": {"type": "json_schema",
                                         "json_schema": {"name": "a", "strict": true, "schema":
                                         {"type": "object", "properties": {"who": {"enum": ["Tam", "Bo"]}},
                                         "required": ["who"], "additionalProperties": false}}}"""))
                        .json();

        var content = Client.JSON.readTree(json.at("/choices/0/message/content").asString());
        assertThat(content.at("/who").asString()).isIn("Tam", "Bo");
    }

    @Test
    void aNamedToolIsCalled() throws Exception {
        var tools =
                """
                , "max_tokens": 100, "tools": [{"type": "function", "function": {"name": "look_up",
                 "parameters": {"type": "object", "properties": {"who": {"enum": ["Tam", "Bo"]}},
                 "required": ["who"]}}}],
                 "tool_choice": {"type": "function", "function": {"name": "look_up"}}""";

        var choice = client.post(PATH, body(tools)).json().at("/choices/0");
        assertThat(choice.at("/finish_reason").asString()).isEqualTo("tool_calls");
        assertThat(choice.at("/message/content").isNull()).isTrue();
        var call = choice.at("/message/tool_calls/0");
        assertThat(call.at("/function/name").asString()).isEqualTo("look_up");
        var arguments = Client.JSON.readTree(call.at("/function/arguments").asString());
        assertThat(arguments.at("/who").asString()).isIn("Tam", "Bo");

        var streamed = new StringBuilder();
        for (var chunk : client.post(PATH, body(tools + ", \"stream\": true")).chunks()) {
            streamed.append(
                    chunk.at("/choices/0/delta/tool_calls/0/function/arguments").asString(""));
        }
        assertThat(Client.JSON.readTree(streamed.toString())).isEqualTo(arguments);
    }

    private static String text(List<JsonNode> chunks, int choice) {
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
