package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.routing.queue.Admission.Cause;
import dev.stator.serving.Admission;
import java.net.http.HttpRequest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The shapes of all endpoints and of all refusals, over a scripted fabric. */
class EndpointTest {
    private static final String CHAT = "/v1/chat/completions";
    private static final String HELLO =
            "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}";

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

    private static void assertError(
            Client.Reply reply, int status, String type, Optional<String> code) {
        assertThat(reply.status()).as(reply.text()).isEqualTo(status);
        var error = reply.json().at("/error");
        assertThat(error.at("/type").asString()).isEqualTo(type);
        assertThat(Optional.ofNullable(error.get("code").asString(null))).isEqualTo(code);
        assertThat(error.has("param")).isTrue();
        assertThat(error.at("/message").asString()).isNotBlank();
    }

    @Test
    void chatAnswers() throws Exception {
        var json = client.post(CHAT, HELLO).json();

        assertThat(json.at("/id").asString()).startsWith("chatcmpl-");
        assertThat(json.at("/model").asString()).isEqualTo("org/stub");
        assertThat(json.at("/choices/0/message/content").asString()).isEqualTo("Hello");
        assertThat(json.at("/choices/0/message/refusal").isNull()).isTrue();
        assertThat(json.at("/choices/0/logprobs").isNull()).isTrue();
        assertThat(json.has("stator")).isFalse();
    }

    @Test
    void aTraceShowsThePlansThatWereLookedAtAndWhatTheyReallyTook() throws Exception {
        var route = client.post(CHAT, HELLO, "x-stator-trace", "1").json().at("/stator/route");

        assertThat(route.at("/candidates").size()).isEqualTo(1);
        assertThat(route.at("/chosen/predicted_ms/prefill").asDouble()).isEqualTo(3);
        assertThat(route.at("/chosen/predicted_ms/first_token").asDouble()).isEqualTo(6);
        assertThat(route.at("/chosen/predicted_ms/harm").asDouble()).isEqualTo(4);
        assertThat(route.at("/chosen/sources/0/tier").asString()).isEqualTo("host");
        assertThat(route.at("/chosen/sources/0/to_block").asInt()).isEqualTo(3);
        assertThat(route.at("/actual_ms/prefill").asDouble()).isEqualTo(4);
    }

    @Test
    void decisionsCanBeAskedForAfterwards() throws Exception {
        assertThat(client.get("/admin/route").json().at("/decisions/0/request").asInt())
                .isEqualTo(7);
        assertThat(client.get("/admin/route?request=7").json().at("/decisions").size())
                .isEqualTo(1);
        assertError(
                client.get("/admin/route?request=8"),
                404,
                "invalid_request_error",
                Optional.of("unknown_url"));
        for (var query : List.of("request=x", "last=0", "last=1001")) {
            assertThat(client.get("/admin/route?" + query).status()).as(query).isEqualTo(400);
        }
    }

    @Test
    void anAnswerCarriesItsAccountOnRequest() throws Exception {
        var json = client.post(CHAT, HELLO, "x-stator-trace", "1").json();

        var trace = json.at("/stator");
        assertThat(trace.at("/plan").asString()).isEqualTo("aggregated");
        assertThat(trace.at("/decode_worker").asString()).isEqualTo("decode-0");
        assertThat(trace.at("/stages_ms/first_token").asDouble()).isEqualTo(1.5);
        assertThat(trace.at("/stages_ms").has("prepare")).isTrue();
        int prompt = json.at("/usage/prompt_tokens").asInt();
        int sum = 0;
        for (var source : trace.at("/prompt_tokens")) {
            sum += source.asInt();
        }
        assertThat(sum).isEqualTo(prompt);
        assertThat(trace.at("/tokenised/reused").asInt() + trace.at("/tokenised/computed").asInt())
                .isEqualTo(prompt);
    }

    @Test
    void theLastChunkCarriesTheAccountOnRequest() throws Exception {
        var chunks =
                client.post(
                                CHAT,
                                HELLO.replace("}]}", "}], \"n\": 2, \"stream\": true}"),
                                "x-stator-trace",
                                "1")
                        .chunks();

        assertThat(chunks.getLast().at("/stator/plan").asString()).isEqualTo("aggregated");
        assertThat(chunks.getLast().at("/stator/answers").size()).isEqualTo(2);
        assertThat(chunks.getLast().has("usage")).isFalse();
    }

    @Test
    void whatIsAskedReachesTheEngine() throws Exception {
        client.post(
                CHAT,
                """
                {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
                 "temperature": 0.5, "top_p": 0.9, "top_k": 40, "min_p": 0.05, "seed": 7, "n": 2,
                 "frequency_penalty": 0.1, "presence_penalty": 0.2, "repetition_penalty": 1.1,
                 "logit_bias": {"5": -100}, "stop": "END", "stop_token_ids": [9],
                 "ignore_eos": true, "max_completion_tokens": 3, "cache_salt": "tenant",
                 "user": "u", "store": true, "metadata": {"a": "b"}, "no_such_field": 1}""");

        var request = fabric.requests.take();
        var sampling = request.sampling();
        assertThat(sampling.temperature()).isEqualTo(0.5f);
        assertThat(sampling.topP()).isEqualTo(0.9f);
        assertThat(sampling.topK()).isEqualTo(40);
        assertThat(sampling.minP()).isEqualTo(0.05f);
        assertThat(sampling.frequencyPenalty()).isEqualTo(0.1f);
        assertThat(sampling.presencePenalty()).isEqualTo(0.2f);
        assertThat(sampling.repeatPenalty()).isEqualTo(1.1f);
        assertThat(sampling.logitBias()).containsEntry(5, -100f);
        assertThat(sampling.seed()).hasValue(7);
        assertThat(request.stops()).containsExactly("END");
        assertThat(request.stopTokens()).containsExactly(9);
        assertThat(request.ignoreEnd()).isTrue();
        assertThat(request.maxTokens()).isEqualTo(3);
        assertThat(request.salt()).isEqualTo("tenant");
        assertThat(fabric.requests.take().sampling().seed()).hasValue(8);
    }

    @Test
    void withoutALimitAnAnswerMayFillTheContext() throws Exception {
        client.post(CHAT, HELLO);

        var request = fabric.requests.take();
        assertThat(request.maxTokens()).isEqualTo(2000 - request.prompt().length);
    }

    @Test
    void aCompletionTakesPromptsOfEveryKind() throws Exception {
        for (var prompt : List.of("\"ab\"", "[\"ab\"]", "[256, 97, 98]", "[[256, 97, 98]]")) {
            client.post("/v1/completions", "{\"prompt\": " + prompt + "}");
            assertThat(fabric.requests.take().prompt()).containsExactly(256, 97, 98);
        }
    }

    @Test
    void aCompletionEchoesItsPrompts() throws Exception {
        var json =
                client.post(
                                "/v1/completions",
                                "{\"prompt\": [\"ab\", \"c\"], \"n\": 2, \"echo\": true}")
                        .json();

        assertThat(json.at("/choices").valueStream().map(c -> c.at("/text").asString()))
                .containsExactly("abHello", "abHello", "cHello", "cHello");
        assertThat(json.at("/choices/3/index").asInt()).isEqualTo(3);
        assertThat(json.at("/usage/prompt_tokens").asInt()).isEqualTo(3 + 2);
        assertThat(json.at("/usage/completion_tokens").asInt()).isEqualTo(8);
    }

    @Test
    void anEchoAloneNeedsNoEngine() throws Exception {
        var body = "{\"prompt\": \"ab\", \"echo\": true, \"max_tokens\": 0}";
        var json = client.post("/v1/completions", body).json();

        assertThat(json.at("/choices/0/text").asString()).isEqualTo("ab");
        assertThat(json.at("/choices/0/finish_reason").asString()).isEqualTo("length");
        var chunks =
                client.post("/v1/completions", body.replace("}", ", \"stream\": true}")).chunks();
        assertThat(chunks.getFirst().at("/choices/0/text").asString()).isEqualTo("ab");
        assertThat(fabric.requests).isEmpty();
    }

    @Test
    void embeddingsComeAsNumbersAndAsBase64() throws Exception {
        var floats =
                client.post(
                                "/v1/embeddings",
                                "{\"input\": [\"ab\", \"c\"], \"model\": \"default\"}")
                        .json();
        assertThat(floats.at("/data/0/embedding/0").asDouble()).isEqualTo(3);
        assertThat(floats.at("/data/1/embedding/0").asDouble()).isEqualTo(2);
        assertThat(floats.at("/usage/total_tokens").asInt()).isEqualTo(5);

        var encoded =
                client.post(
                                "/v1/embeddings",
                                "{\"input\": [1, 2], \"encoding_format\": \"base64\"}")
                        .json()
                        .at("/data/0/embedding")
                        .asString();
        var values =
                ByteBuffer.wrap(Base64.getDecoder().decode(encoded))
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .asFloatBuffer();
        assertThat(values.get(0)).isEqualTo(2f);
        assertThat(values.get(1)).isEqualTo(0.5f);
        assertThat(values.get(2)).isEqualTo(-1f);
    }

    @Test
    void aModelThatOnlyEmbedsSaysSo() throws Exception {
        try (var other = ApiServer.start(ApiOptions.of("e", 0), new StubFabric(false, true));
                var asks = new Client(other.port())) {
            var reply = asks.post(CHAT, HELLO);
            assertError(reply, 400, "invalid_request_error", Optional.empty());
            assertThat(reply.text()).contains("/v1/embeddings");
        }
    }

    @Test
    void aModelThatCannotEmbedSaysWhy() throws Exception {
        try (var other = ApiServer.start(ApiOptions.of("g", 0), new StubFabric(true, false));
                var asks = new Client(other.port())) {
            var reply = asks.post("/v1/embeddings", "{\"input\": \"a\"}");
            assertError(reply, 400, "invalid_request_error", Optional.empty());
            assertThat(reply.text()).contains("no pooling");
        }
    }

    @Test
    void modelsAreListedUnderTheirNames() throws Exception {
        var list = client.get("/v1/models").json();

        assertThat(list.at("/object").asString()).isEqualTo("list");
        assertThat(list.at("/data").valueStream().map(m -> m.at("/id").asString()))
                .containsExactly("org/stub", "default");
        assertThat(client.get("/v1/models/org/stub").json().at("/id").asString())
                .isEqualTo("org/stub");
        assertThat(client.get("/v1/models/org%2Fstub").status()).isEqualTo(200);
        assertThat(client.get("/v1/models/default").json().at("/root").asString())
                .isEqualTo("org/stub");
    }

    @Test
    void anUnknownModelIsNotFound() throws Exception {
        for (var reply :
                List.of(
                        client.get("/v1/models/other"),
                        client.post(CHAT, "{\"model\": \"other\"}"),
                        client.post("/v1/completions", "{\"model\": \"other\"}"),
                        client.post("/v1/embeddings", "{\"model\": \"other\"}"))) {
            assertError(reply, 404, "invalid_request_error", Optional.of("model_not_found"));
            assertThat(reply.text()).contains("org/stub, default");
        }
    }

    @Test
    void textBecomesTokensAndTextAgain() throws Exception {
        var tokens = client.post("/tokenize", "{\"prompt\": \"hä\"}").json();
        assertThat(tokens.at("/tokens").toString()).isEqualTo("[256,104,195,164]");
        assertThat(tokens.at("/count").asInt()).isEqualTo(4);
        assertThat(tokens.at("/max_model_len").asInt()).isEqualTo(2000);
        assertThat(
                        client.post(
                                        "/tokenize",
                                        "{\"prompt\": \"h\", \"add_special_tokens\": false}")
                                .json()
                                .at("/tokens")
                                .toString())
                .isEqualTo("[104]");
        assertThat(client.post("/tokenize", HELLO).json().at("/count").asInt()).isGreaterThan(1);

        assertThat(
                        client.post("/detokenize", "{\"tokens\": [104, 195, 164]}")
                                .json()
                                .at("/prompt")
                                .asString())
                .isEqualTo("hä");
    }

    @Test
    void healthAndMetricsAnswer() throws Exception {
        client.post(CHAT, HELLO);

        assertThat(client.get("/health/live").status()).isEqualTo(200);
        assertThat(client.get("/health/ready").status()).isEqualTo(200);
        var metrics = client.get("/metrics");
        assertThat(metrics.header("content-type")).startsWith("text/plain");
        assertThat(metrics.text())
                .contains("stator_num_requests_running 2.0")
                .contains("stator_num_requests_waiting 3.0")
                .contains("stator_prompt_tokens_total 11.0")
                .contains("stator_prompt_tokens_by_source_total{source=\"host\"} 5.0")
                .contains("stator_generation_tokens_total 12.0")
                .contains("stator_requests_shed_total 4.0")
                .contains("stator_requests_shed_by_reason_total{reason=\"deadline\"} 1.0")
                .contains("stator_requests_shed_by_reason_total{reason=\"draining\"} 0.0")
                .contains("stator_queue_requests{class=\"default\"} 2.0")
                .contains("stator_queue_prompt_tokens{class=\"priority\"} 10.0")
                .contains("stator_queue_drain_seconds{class=\"default\"} 1.5")
                .contains("stator_host_cache_blocks 9.0")
                .contains("stator_host_cache_evictions_total{reason=\"room\"} 2.0")
                .contains("stator_disk_cache_blocks 70.0")
                .contains("stator_disk_cache_hits_total 5.0")
                .contains("stator_disk_cache_evictions_total{reason=\"room\"} 3.0")
                .contains("stator_disk_cache_evictions_total{reason=\"orphan\"} 1.0")
                .contains("stator_disk_cache_write_amplification 1.25")
                .contains(
                        "stator_route_prediction_error_ratio{quantile=\"0.95\",stage=\"prefill\"} 0.4")
                .contains(
                        "stator_worker_bytes_imported_total{role=\"decode\",worker=\"decode-0\"} 1000.0")
                .contains("stator_kv_cache_usage_perc{role=\"decode\",worker=\"decode-0\"} 0.25")
                .contains("stator_request_success_total{finished_reason=\"stop\"} 1.0")
                .contains("stator_time_to_first_token_seconds_count 1")
                .contains("stator_time_to_first_token_seconds_bucket{le=\"0.0025\"} 1")
                .contains("stator_inter_token_latency_seconds_count 1")
                .contains("stator_e2e_request_latency_seconds_count 1")
                .contains("stator_request_queue_time_seconds_count 1")
                .contains("stator_http_responses_total{status=\"200\"}");
    }

    @Test
    void anUnknownPathIsNotFound() throws Exception {
        for (var path : List.of("/", "/v1", "/v1/chat", "/health/other", "/v1/chat/completions/")) {
            assertError(client.get(path), 404, "invalid_request_error", Optional.of("unknown_url"));
        }
    }

    @Test
    void aWrongMethodIsNotAllowed() throws Exception {
        var get = client.get(CHAT);
        assertError(get, 405, "invalid_request_error", Optional.empty());
        assertThat(get.header("allow")).isEqualTo("POST");
        var post = client.post("/v1/models", "{}");
        assertError(post, 405, "invalid_request_error", Optional.empty());
        assertThat(post.header("allow")).isEqualTo("GET, HEAD");
    }

    @Test
    void aFullQueueIsAnsweredWith429() throws Exception {
        fabric.script((_, _) -> new Admission.Shed(Cause.QUEUE_FULL, 17, "the queue is full"));

        var reply = client.post(CHAT, HELLO);

        assertError(reply, 429, "overloaded", Optional.of("overloaded"));
        assertThat(reply.header("retry-after")).isEqualTo("17");
        assertThat(reply.text()).contains("The queue is full.");
    }

    @Test
    void whenOneOfSeveralAnswersIsShedTheOthersAreCancelled() throws Exception {
        fabric.script(
                (_, _) ->
                        fabric.requests.size() < 3
                                ? fabric.admitted()
                                : new Admission.Shed(Cause.QUEUE_FULL, 1, "the queue is full"));

        var reply = client.post(CHAT, HELLO.replace("}]}", "}], \"n\": 5, \"stream\": true}"));

        assertError(reply, 429, "overloaded", Optional.of("overloaded"));
        assertThat(fabric.cancelled).hasValue(2);
    }

    @Test
    void aFailureOfTheFabricIsA500() throws Exception {
        fabric.script(
                (_, _) -> {
                    throw new IllegalStateException("secret");
                });

        var reply = client.post(CHAT, HELLO);

        assertError(reply, 500, "server_error", Optional.empty());
        assertThat(reply.text()).doesNotContain("secret").contains(reply.header("x-request-id"));
    }

    @Test
    void aDrainingServerSaysSo() throws Exception {
        assertThat(server.drain(java.time.Duration.ofSeconds(10))).isTrue();

        assertThat(client.get("/health/ready").status()).isEqualTo(503);
        assertThat(client.get("/health/live").status()).isEqualTo(200);
        var reply = client.post(CHAT, HELLO);
        assertError(reply, 503, "overloaded", Optional.of("overloaded"));
        assertThat(reply.header("retry-after")).isEqualTo("1");
    }

    @Test
    void aRequestIdIsEchoedOrMade() throws Exception {
        assertThat(client.get("/v1/models", "x-request-id", "abc").header("x-request-id"))
                .isEqualTo("abc");
        assertThat(client.get("/v1/models").header("x-request-id")).hasSize(36);
        assertThat(client.get("/v1/models", "x-request-id", "a".repeat(200)).header("x-request-id"))
                .hasSize(36);
    }

    @Test
    void aBodyOverTheLimitIsRefused() throws Exception {
        var options =
                new ApiOptions(
                        "127.0.0.1",
                        0,
                        "stub",
                        List.of(),
                        2048,
                        0,
                        1,
                        1 << 20,
                        java.time.Duration.ofSeconds(60));
        try (var small = ApiServer.start(options, fabric);
                var asks = new Client(small.port())) {
            var body = "{\"prompt\": \"%s\"}".formatted("x".repeat(100_000));
            assertError(
                    asks.post("/v1/completions", body),
                    413,
                    "invalid_request_error",
                    Optional.of("body_too_large"));
            var expecting =
                    asks.request("/v1/completions")
                            .expectContinue(true)
                            .POST(HttpRequest.BodyPublishers.ofString(body))
                            .build();
            assertThat(asks.send(expecting).status()).isEqualTo(413);
            assertThat(asks.post("/v1/completions", "{\"prompt\": \"x\"}").status()).isEqualTo(200);
        }
    }

    @Test
    void aKeyIsAskedForWhereThereAreKeys() throws Exception {
        var options =
                new ApiOptions(
                        "127.0.0.1",
                        0,
                        "stub",
                        List.of("one", "two"),
                        2048,
                        0,
                        1,
                        1 << 20,
                        java.time.Duration.ofSeconds(60));
        try (var locked = ApiServer.start(options, fabric);
                var asks = new Client(locked.port())) {
            for (var reply :
                    List.of(
                            asks.post(CHAT, HELLO),
                            asks.get("/v1/models"),
                            asks.get("/nowhere"),
                            asks.post(CHAT, HELLO, "authorization", "Bearer three"),
                            asks.post(CHAT, HELLO, "authorization", "Bearer "),
                            asks.post(CHAT, HELLO, "authorization", "Basic one"),
                            asks.post(CHAT, HELLO, "authorization", "one"))) {
                assertError(reply, 401, "invalid_request_error", Optional.of("invalid_api_key"));
                assertThat(reply.header("www-authenticate")).isEqualTo("Bearer");
            }
            assertThat(asks.post(CHAT, HELLO, "authorization", "Bearer two").status())
                    .isEqualTo(200);
            assertThat(asks.get("/v1/models", "authorization", "bearer one").status())
                    .isEqualTo(200);
            assertThat(asks.get("/health/live").status()).isEqualTo(200);
            assertThat(asks.get("/metrics").status()).isEqualTo(200);
        }
    }

    @Test
    void aWrongContentTypeIsRefused() throws Exception {
        var request =
                client.request(CHAT)
                        .header("content-type", "text/plain")
                        .POST(HttpRequest.BodyPublishers.ofString(HELLO))
                        .build();

        assertError(client.send(request), 415, "invalid_request_error", Optional.empty());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[]",
                "null",
                "5",
                "\"x\"",
                "{\"a\":1} x",
                "{'a':1}",
                "{\"a\":NaN}",
                "{\"a\":01}",
                "\u0000"
            })
    void whatIsNoJsonObjectIsRefused(String body) throws Exception {
        assertError(client.post(CHAT, body), 400, "invalid_request_error", Optional.empty());
    }

    @Test
    void deepNestingAndBrokenUtf8AreRefused() throws Exception {
        var deep = "{\"messages\": " + "[".repeat(100_000) + "]".repeat(100_000) + "}";
        assertError(client.post(CHAT, deep), 400, "invalid_request_error", Optional.empty());
        byte[] latin =
                "{\"prompt\": \"\u00e4\"}".getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
        var reply = client.post("/v1/completions", latin);
        assertError(reply, 400, "invalid_request_error", Optional.empty());
        assertThat(reply.text()).contains("UTF-8");
        byte[] wide = HELLO.getBytes(java.nio.charset.StandardCharsets.UTF_16LE);
        assertError(client.post(CHAT, wide), 400, "invalid_request_error", Optional.empty());
    }
}
