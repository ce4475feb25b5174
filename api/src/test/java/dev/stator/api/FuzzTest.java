package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Broken requests are refused as such: never a 5xx, never silence. Seeded. */
@TestInstance(Lifecycle.PER_CLASS)
class FuzzTest {
    private static final int MUTANTS = 150;

    /** The version may be one that the request made up, for which 501 is the right answer. */
    private static final Pattern REFUSED_OR_ANSWERED =
            Pattern.compile("(\\S* ([24]\\d\\d|501) .*)?", Pattern.DOTALL);

    private static final String CHAT =
            """
            {"model": "default", "messages": [
              {"role": "system", "content": "s"},
              {"role": "user", "content": [{"type": "text", "text": "x"}]},
              {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function",
                "function": {"name": "f", "arguments": "{}"}}]},
              {"role": "tool", "tool_call_id": "c", "content": "r"}],
             "tools": [{"type": "function", "function": {"name": "f", "description": "d",
               "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}],
             "tool_choice": "auto", "temperature": 0.5, "top_p": 0.5, "n": 2, "stop": ["a", "b"],
             "logit_bias": {"5": 1.5}, "seed": 5, "logprobs": true, "top_logprobs": 2,
             "max_tokens": 5, "stream": false, "stream_options": {"include_usage": true},
             "response_format": {"type": "text"}, "chat_template_kwargs": {"a": [1]}}""";
    private static final String SCHEMA =
            """
            {"messages": [{"role": "user", "content": "x"}], "max_completion_tokens": 5,
             "response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": true,
               "schema": {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1},
               "b": {"enum": ["x", 1]}, "c": {"type": "array", "items": {"type": "string",
               "pattern": "^a+$"}}}, "required": ["a"], "additionalProperties": false}}}}""";
    private static final String COMPLETION =
            """
            {"model": "default", "prompt": ["ab", "c"], "max_tokens": 5, "n": 1, "echo": false,
             "logprobs": 2, "stop": "x", "stream": true, "best_of": 1, "suffix": ""}""";
    private static final String EMBEDDING =
            "{\"model\": \"default\", \"input\": [[1, 2], [3]], \"encoding_format\": \"float\"}";
    private static final String TOKENS =
            "{\"tokens\": [1, 2], \"prompt\": \"x\", \"add_special_tokens\": true}";

    private final StubFabric fabric = new StubFabric();
    private ApiServer server;
    private Client client;

    @BeforeAll
    void start() {
        server = ApiServer.start(ApiOptions.of("stub", 0), fabric);
        client = new Client(server.port());
    }

    @AfterAll
    void stop() {
        client.close();
        server.close();
    }

    @ParameterizedTest
    @CsvSource({
        "/v1/chat/completions, CHAT",
        "/v1/chat/completions, SCHEMA",
        "/v1/completions, COMPLETION",
        "/v1/embeddings, EMBEDDING",
        "/tokenize, TOKENS",
        "/tokenize, CHAT",
        "/detokenize, TOKENS"
    })
    void aMutatedBodyIsAnsweredOrRefused(String path, String seed) throws Exception {
        var random = new Random(seed.hashCode());
        var valid =
                switch (seed) {
                    case "CHAT" -> CHAT;
                    case "SCHEMA" -> SCHEMA;
                    case "COMPLETION" -> COMPLETION;
                    case "EMBEDDING" -> EMBEDDING;
                    default -> TOKENS;
                };
        var answered = client.post(path, valid);
        assertThat(answered.status()).as(answered.text()).isEqualTo(200);
        for (int i = 0; i < MUTANTS; i++) {
            byte[] body = mutant(random, valid);
            var reply = client.post(path, body);
            var what = "mutant %d of %s: %s".formatted(i, seed, text(body));
            assertThat(reply.status()).as(what + " → " + reply.text()).isBetween(200, 499);
            if (reply.status() != 200) {
                assertThat(reply.json().at("/error/message").asString("")).as(what).isNotBlank();
                assertThat(reply.json().at("/error/type").asString(""))
                        .as(what)
                        .isEqualTo("invalid_request_error");
            }
        }
    }

    private static String text(byte[] body) {
        var text = new String(body, StandardCharsets.UTF_8);
        return text.length() < 2000 ? text : text.substring(0, 2000);
    }

    private static byte[] mutant(Random random, String valid) {
        if (random.nextInt(5) == 0) {
            return garbled(random, valid.getBytes(StandardCharsets.UTF_8));
        }
        var tree = Client.JSON.readTree(valid);
        for (int i = random.nextInt(3); i >= 0; i--) {
            mutate(random, tree);
        }
        return Client.JSON.writeValueAsBytes(tree);
    }

    private static byte[] garbled(Random random, byte[] body) {
        byte[] garbled = Arrays.copyOf(body, 1 + random.nextInt(body.length));
        for (int i = random.nextInt(4); i > 0; i--) {
            garbled[random.nextInt(garbled.length)] = (byte) random.nextInt(256);
        }
        return garbled;
    }

    private static void mutate(Random random, JsonNode tree) {
        var containers = new ArrayList<JsonNode>();
        collect(tree, containers);
        switch (containers.get(random.nextInt(containers.size()))) {
            case ObjectNode object when !object.isEmpty() -> {
                var names = List.copyOf(object.propertyNames());
                var name = names.get(random.nextInt(names.size()));
                if (random.nextInt(4) == 0) {
                    object.remove(name);
                } else {
                    object.set(name, anything(random, 0));
                }
            }
            case ArrayNode array when !array.isEmpty() -> {
                int at = random.nextInt(array.size());
                if (random.nextInt(4) == 0) {
                    array.remove(at);
                } else {
                    array.set(at, anything(random, 0));
                }
            }
            default -> {}
        }
    }

    private static void collect(JsonNode node, List<JsonNode> containers) {
        if (node.isContainer()) {
            containers.add(node);
            node.forEach(child -> collect(child, containers));
        }
    }

    private static JsonNode anything(Random random, int depth) {
        var json = Client.JSON;
        return switch (random.nextInt(depth > 3 ? 10 : 13)) {
            case 0 -> json.nullNode();
            case 1 -> json.valueToTree(random.nextBoolean());
            case 2 -> json.valueToTree(random.nextInt());
            case 3 -> json.valueToTree(random.nextLong());
            case 4 -> json.valueToTree(random.nextGaussian() * 1e3);
            case 5 -> json.valueToTree("");
            case 6 -> json.valueToTree("x".repeat(random.nextInt(5000)));
            case 7 -> json.valueToTree("\u0000\ud800\uffff<|im_start|>{{ x }}");
            case 8 -> json.readTree("1" + "0".repeat(random.nextInt(500)));
            case 9 -> json.readTree("-1.5e" + random.nextInt(400));
            case 10 -> json.createObjectNode();
            case 11 -> {
                var array = json.createArrayNode();
                for (int i = random.nextInt(4); i > 0; i--) {
                    array.add(anything(random, depth + 1));
                }
                yield array;
            }
            default -> {
                var object = json.createObjectNode();
                for (var name : List.of("type", "function", "$ref", "a")) {
                    if (random.nextBoolean()) {
                        object.set(name, anything(random, depth + 1));
                    }
                }
                yield object;
            }
        };
    }

    /** What is no proper HTTP gets a 4xx or a closed connection, and the server goes on. */
    @Test
    void garbledRequestsDoNotStopTheServer() throws Exception {
        var random = new Random(7);
        var valid =
                ("POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                + "Authorization: Bearer k\r\nX-Request-Id: r\r\n"
                                + "Content-Length: 15\r\nConnection: close\r\n\r\n{\"prompt\": \"x\"}")
                        .getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < 150; i++) {
            byte[] request = valid.clone();
            for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
                request[random.nextInt(request.length)] = (byte) random.nextInt(256);
            }
            var answer = answer(request);
            assertThat(answer).as(text(request)).matches(REFUSED_OR_ANSWERED);
        }
        assertThat(client.get("/health/live").status()).isEqualTo(200);
    }

    private String answer(byte[] request) throws Exception {
        try (var socket = new Socket("127.0.0.1", server.port())) {
            socket.setSoTimeout(30_000);
            socket.getOutputStream().write(request);
            socket.shutdownOutput();
            var answer = new ByteArrayOutputStream();
            socket.getInputStream().transferTo(answer);
            return answer.toString(StandardCharsets.UTF_8);
        } catch (java.net.SocketException e) {
            return "";
        }
    }

    @Test
    void hugeHeadersAndLinesAreRefused() throws Exception {
        assertThat(
                        answer(
                                bytes(
                                        "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
                                                .formatted("a".repeat(100_000)))))
                .matches(REFUSED_OR_ANSWERED);
        assertThat(
                        answer(
                                bytes(
                                        "GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n"
                                                .formatted("a".repeat(100_000)))))
                .matches(REFUSED_OR_ANSWERED);
        assertThat(client.get("/health/live").status()).isEqualTo(200);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
