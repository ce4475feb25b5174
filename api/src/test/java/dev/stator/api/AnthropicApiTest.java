package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.routing.queue.Admission.Cause;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** The shapes of Anthropic's API, over a scripted fabric. */
class AnthropicApiTest {
    private static final String PATH = "/v1/messages";
    private static final String HELLO = "\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]";

    private final StubFabric fabric = new StubFabric();
    private ApiServer server;
    private Client client;

    @BeforeEach
    void start() {
        server = ApiServer.start(ApiOptions.of("org/stub", 0), fabric);
        client = new Client(server.port());
    }

    @AfterEach
    void stop() {
        client.close();
        server.close();
    }

    private static String body(String more) {
        return "{\"max_tokens\": 9, %s}".formatted(more);
    }

    private JsonNode ask(String more) throws Exception {
        var reply = client.post(PATH, body(more));
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply.json();
    }

    /** What the model read, by a template that writes all of it. */
    private String read(String more) throws Exception {
        ask(more);
        return fabric.tokenizer().decode(fabric.requests.take().prompt(), true);
    }

    /** Names and data of a stream's events. */
    private static List<Map.Entry<String, JsonNode>> events(Client.Reply reply) {
        var events = new ArrayList<Map.Entry<String, JsonNode>>();
        for (var event : reply.text().split("\n\n")) {
            var lines = event.split("\n");
            assertThat(lines).as(event).hasSize(2);
            assertThat(lines[0]).startsWith("event: ");
            assertThat(lines[1]).startsWith("data: ");
            events.add(
                    Map.entry(lines[0].substring(7), Client.JSON.readTree(lines[1].substring(6))));
        }
        return events;
    }

    private static Account account(
            GenerationRequest request, int cached, OptionalInt pinned, Optional<String> stop) {
        int prompt = request.prompt().length;
        return new Account(
                "aggregated",
                "decode-0",
                "decode-0",
                Map.of("host", cached, "computed", prompt - cached),
                0,
                new int[2],
                Map.of(),
                Optional.empty(),
                pinned,
                stop,
                Optional.empty(),
                Optional.empty());
    }

    private Admission.Admitted says(
            GenerationListener listener, FinishReason why, Account account, String... texts) {
        StubFabric.say(listener, texts);
        listener.onFinish(why, "", account);
        return fabric.admitted();
    }

    @Test
    void anAnswerHasAnthropicsShape() throws Exception {
        var json = ask(HELLO);

        assertThat(json.at("/id").asString()).startsWith("msg_");
        assertThat(json.at("/type").asString()).isEqualTo("message");
        assertThat(json.at("/role").asString()).isEqualTo("assistant");
        assertThat(json.at("/model").asString()).isEqualTo("org/stub");
        assertThat(json.at("/content"))
                .isEqualTo(Client.JSON.readTree("[{\"type\": \"text\", \"text\": \"Hello\"}]"));
        assertThat(json.at("/stop_reason").asString()).isEqualTo("end_turn");
        assertThat(json.at("/stop_sequence").isNull()).isTrue();
        assertThat(json.at("/usage/output_tokens").asInt()).isEqualTo(2);
        assertThat(json.has("stator")).isFalse();
    }

    @Test
    void inputTokensAddUpToThePrompt() throws Exception {
        fabric.script(
                (request, listener) ->
                        says(
                                listener,
                                FinishReason.LENGTH,
                                account(request, 2, OptionalInt.of(5), Optional.empty()),
                                "Hi"));
        var json = ask(HELLO);

        int prompt = fabric.requests.take().prompt().length;
        assertThat(json.at("/usage/cache_read_input_tokens").asInt()).isEqualTo(2);
        assertThat(json.at("/usage/cache_creation_input_tokens").asInt()).isEqualTo(3);
        assertThat(json.at("/usage/input_tokens").asInt()).isEqualTo(prompt - 5);
        assertThat(json.at("/stop_reason").asString()).isEqualTo("max_tokens");
    }

    @Test
    void aStopSequenceIsNamed() throws Exception {
        fabric.script(
                (request, listener) ->
                        says(
                                listener,
                                FinishReason.STOP,
                                account(request, 0, OptionalInt.empty(), Optional.of("END")),
                                "Hi"));
        var json = ask(HELLO + ", \"stop_sequences\": [\"END\"]");

        assertThat(fabric.requests.take().stops()).containsExactly("END");
        assertThat(json.at("/stop_reason").asString()).isEqualTo("stop_sequence");
        assertThat(json.at("/stop_sequence").asString()).isEqualTo("END");
    }

    @Test
    void aStreamHasAnthropicsEventsInTheirOrder() throws Exception {
        var reply = client.post(PATH, body(HELLO + ", \"stream\": true"));

        assertThat(reply.header("content-type")).startsWith("text/event-stream");
        var events = events(reply);
        assertThat(events.stream().map(Map.Entry::getKey))
                .containsExactly(
                        "message_start",
                        "content_block_start",
                        "ping",
                        "content_block_delta",
                        "content_block_delta",
                        "content_block_stop",
                        "message_delta",
                        "message_stop");
        assertThat(events)
                .allSatisfy(
                        event ->
                                assertThat(event.getValue().at("/type").asString())
                                        .isEqualTo(event.getKey()));
        int prompt = fabric.requests.take().prompt().length;
        assertThat(events.getFirst().getValue().at("/message/usage/input_tokens").asInt())
                .isEqualTo(prompt);
        assertThat(events.get(3).getValue().at("/delta/text").asString()).isEqualTo("Hel");
        assertThat(events.get(4).getValue().at("/delta/text").asString()).isEqualTo("lo");
        var last = events.get(6).getValue();
        assertThat(last.at("/delta/stop_reason").asString()).isEqualTo("end_turn");
        assertThat(last.at("/usage/output_tokens").asInt()).isEqualTo(2);
    }

    @Test
    void callsAreBlocksOfTheirOwn() throws Exception {
        fabric.script(
                (request, listener) ->
                        says(
                                listener,
                                FinishReason.STOP,
                                account(request, 0, OptionalInt.empty(), Optional.empty()),
                                "I look.<tool_call>\n{\"name\": \"look\", \"arguments\": {\"q\": 1}}\n</tool_call>",
                                "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"q\": 2}}\n</tool_call>"));
        var tools =
                HELLO
                        + ", \"tools\": [{\"name\": \"look\", \"input_schema\": {\"type\": \"object\"}}]";
        var json = ask(tools);

        assertThat(json.at("/stop_reason").asString()).isEqualTo("tool_use");
        assertThat(json.at("/content").size()).isEqualTo(3);
        assertThat(json.at("/content/0/text").asString()).isEqualTo("I look.");
        assertThat(json.at("/content/1/type").asString()).isEqualTo("tool_use");
        assertThat(json.at("/content/1/name").asString()).isEqualTo("look");
        assertThat(json.at("/content/1/input/q").asInt()).isEqualTo(1);
        assertThat(json.at("/content/2/input/q").asInt()).isEqualTo(2);

        var events = events(client.post(PATH, body(tools + ", \"stream\": true")));
        var begun = events.stream().filter(event -> event.getKey().equals("content_block_start"));
        assertThat(begun.map(event -> event.getValue().at("/content_block/type").asString()))
                .containsExactly("text", "tool_use", "tool_use");
        var inputs =
                events.stream()
                        .map(event -> event.getValue().at("/delta/partial_json").asString(""))
                        .filter(input -> !input.isEmpty());
        assertThat(inputs.map(Client.JSON::readTree).map(input -> input.at("/q").asInt()))
                .containsExactly(1, 2);

        var one =
                ask(
                        tools
                                + ", \"tool_choice\": {\"type\": \"auto\", \"disable_parallel_tool_use\": true}");
        assertThat(one.at("/content").size()).isEqualTo(2);
    }

    @Test
    void aConversationIsReadAsItsMessagesSay() throws Exception {
        var text =
                read(
                        """
                        "system": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}],
                        "messages": [
                          {"role": "user", "content": "Who?"},
                          {"role": "user", "content": [{"type": "text", "text": "And when?"}]},
                          {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": ""},
                             {"type": "tool_use", "id": "a", "name": "look", "input": {"q": 1}}]},
                          {"role": "user", "content": [
                             {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "Bob"}]},
                             {"type": "text", "text": "So?"}]}]
                        """);

        assertThat(text)
                .contains("system: Be\nbrief.\n", "user: Who?\nAnd when?\n", "\"q\":1", "Bob")
                .contains("user: So?");
        assertThat(text).doesNotContain("hm");
    }

    @Test
    void documentBlocksBecomeTheRequestsDocuments() throws Exception {
        var text =
                read(
                        """
                        "documents": [{"id": "x", "text": "Ships sail."}],
                        "messages": [
                          {"role": "user", "content": [
                             {"type": "document", "title": "Bees", "context": "From 1990.",
                              "source": {"type": "text", "media_type": "text/plain", "data": "Bees fly."}},
                             {"type": "document",
                              "source": {"type": "content", "content": [{"type": "text", "text": "Ants"}, {"type": "text", "text": "walk."}]}},
                             {"type": "text", "text": "Who flies?"}]}]
                        """);

        assertThat(text)
                .contains("user: [doc x]\nShips sail.\n[doc 2] Bees\nFrom 1990.\n\nBees fly.\n")
                .contains("[doc 3]\nAnts\nwalk.\nWho flies?");
    }

    @Test
    void anAnswerThatTheClientBeganGoesOn() throws Exception {
        var text =
                read(
                        "\"messages\": [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"assistant\", \"content\": \"It is\"}]");

        assertThat(text).endsWith("assistant: It is");
    }

    @Test
    void tokensAreCounted() throws Exception {
        ask(HELLO);
        int prompt = fabric.requests.take().prompt().length;

        var counted = client.post(PATH + "/count_tokens", "{%s}".formatted(HELLO));

        assertThat(counted.status()).isEqualTo(200);
        assertThat(counted.json().at("/input_tokens").asInt()).isEqualTo(prompt);
        assertThat(fabric.requests).isEmpty();
    }

    private static void assertError(Client.Reply reply, int status, String type) {
        assertThat(reply.status()).as(reply.text()).isEqualTo(status);
        var json = reply.json();
        assertThat(json.at("/type").asString()).isEqualTo("error");
        assertThat(json.at("/error/type").asString()).isEqualTo(type);
        assertThat(json.at("/error/message").asString()).isNotBlank();
        assertThat(json.at("/request_id").asString())
                .isEqualTo(reply.header("request-id"))
                .isNotEmpty();
    }

    @Test
    void errorsHaveAnthropicsShape() throws Exception {
        assertError(client.get(PATH), 405, "invalid_request_error");
        assertError(client.post(PATH, "{"), 400, "invalid_request_error");
        assertError(client.post(PATH + "/batches", "{}"), 404, "not_found_error");
        assertError(
                client.post(PATH, body("\"model\": \"other\", " + HELLO)), 404, "not_found_error");
        fabric.script((_, _) -> new Admission.Shed(Cause.QUEUE_FULL, 7, "busy"));
        var busy = client.post(PATH, body(HELLO));
        assertError(busy, 529, "overloaded_error");
        assertThat(busy.header("retry-after")).isEqualTo("7");
        fabric.script(
                (_, listener) -> {
                    listener.onFailure("the engine broke");
                    return fabric.admitted();
                });
        assertError(client.post(PATH, body(HELLO)), 500, "api_error");
    }

    @Test
    void aStreamThatBreaksSaysSo() throws Exception {
        var listening = new CompletableFuture<GenerationListener>();
        fabric.script(
                (_, listener) -> {
                    StubFabric.say(listener, "Hel");
                    listening.complete(listener);
                    return fabric.admitted();
                });
        var asked = client.send(client.request(PATH), body(HELLO + ", \"stream\": true"));
        var lines = asked.get(30, TimeUnit.SECONDS).body().iterator();
        assertThat(lines.next()).isEqualTo("event: message_start");

        listening.get(30, TimeUnit.SECONDS).onFailure("the engine broke");

        var rest = new ArrayList<String>();
        lines.forEachRemaining(rest::add);
        assertThat(rest).contains("event: error").doesNotContain("event: message_stop");
        assertThat(String.join("\n", rest)).contains("\"type\":\"api_error\"");
    }

    @Test
    void aKeyMayComeInAnthropicsHeader() throws Exception {
        var options =
                new ApiOptions(
                        "127.0.0.1",
                        0,
                        "stub",
                        List.of("one"),
                        2048,
                        0,
                        1,
                        1 << 20,
                        Duration.ofSeconds(60));
        try (var locked = ApiServer.start(options, fabric);
                var asks = new Client(locked.port())) {
            assertError(asks.post(PATH, body(HELLO)), 401, "authentication_error");
            assertError(
                    asks.post(PATH, body(HELLO), "x-api-key", "two"), 401, "authentication_error");
            assertThat(asks.post(PATH, body(HELLO), "x-api-key", "one").status()).isEqualTo(200);
            assertThat(asks.post(PATH, body(HELLO), "authorization", "Bearer one").status())
                    .isEqualTo(200);
            assertError(
                    asks.post(PATH, "x".repeat(4096), "x-api-key", "one"),
                    413,
                    "request_too_large");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "max_tokens | \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]",
                "max_tokens | \"max_tokens\": 0, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]",
                "messages | \"max_tokens\": 1",
                "messages | \"max_tokens\": 1, \"messages\": []",
                "messages[0].role | \"max_tokens\": 1, \"messages\": [{\"role\": \"tool\", \"content\": \"x\"}]",
                "messages[0].content | \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": []}]",
                "messages[0].content | \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": 5}]",
                "messages[0].content[0].type | \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image\"}]}]",
                "messages[0].content[0].type | \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"tool_use\"}]}]",
                "messages[0].content[0].text | \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\"}]}]",
                "messages[0].content[0].source | \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"document\"}]}]",
                "messages[0].content[0].source.type | \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"document\", \"source\": {\"type\": \"base64\", \"media_type\": \"application/pdf\", \"data\": \"\"}}]}]",
                "messages[0].content[0].source.type | \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"document\", \"source\": {\"type\": \"url\", \"url\": \"http://x\"}}]}]",
                "messages[0].content[0].source | \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"document\", \"source\": {\"type\": \"text\", \"data\": \" \"}}]}]",
                "messages[0].content[0].citations | \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"document\", \"citations\": {\"enabled\": true}, \"source\": {\"type\": \"text\", \"data\": \"x\"}}]}]",
                "messages[0].content[0].tool_use_id | \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"tool_result\", \"tool_use_id\": \"a\"}]}]",
                "messages[1].content | \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"assistant\", \"content\": [{\"type\": \"tool_use\", \"id\": \"a\", \"name\": \"b\", \"input\": {}}]}]",
                "system | \"system\": 5, \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]",
                "system[0].type | \"system\": [{\"type\": \"image\"}], \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]",
                "temperature | \"temperature\": 1.5, \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]",
                "top_p | \"top_p\": 0, \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]",
                "top_k | \"top_k\": -1, \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]",
                "stop_sequences | \"stop_sequences\": [\" \"], \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]",
                "tools[0].type | \"tools\": [{\"type\": \"web_search_20250305\", \"name\": \"web_search\"}], \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]",
                "tools[0].input_schema | \"tools\": [{\"name\": \"a\"}], \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]",
                "tool_choice | \"tool_choice\": {\"type\": \"any\"}, \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]",
                "thinking.type | \"thinking\": {\"type\": \"loud\"}, \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]",
                "mcp_servers | \"mcp_servers\": [{}], \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]",
                "reuse | \"reuse\": \"some\", \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]",
                "cache_control.type | \"cache_control\": {}, \"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]"
            })
    void whatIsWrongIsNamed(String field, String body) throws Exception {
        var reply = client.post(PATH, "{%s}".formatted(body));

        assertError(reply, 400, "invalid_request_error");
        assertThat(reply.json().at("/error/message").asString()).startsWith(field + ": ");
    }

    @Test
    void atMostFourPlacesAreMarked() throws Exception {
        var block =
                "{\"type\": \"text\", \"text\": \"x\", \"cache_control\": {\"type\": \"ephemeral\"}}";
        var reply =
                client.post(
                        PATH,
                        body(
                                "\"messages\": [{\"role\": \"user\", \"content\": [%s]}]"
                                        .formatted(
                                                String.join(
                                                        ",",
                                                        List.of(
                                                                block, block, block, block,
                                                                block)))));

        assertError(reply, 400, "invalid_request_error");
        assertThat(reply.text()).contains("at most 4");
    }
}
