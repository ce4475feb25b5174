package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.api.answers.AnswerMode;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.FinishReason;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers that are given again, over HTTP, to whom and to which requests. */
final class KeptAnswersTest {
    private static final String CHAT = "/v1/chat/completions";
    private static final String MESSAGES = "/v1/messages";
    private static final String HEADER = "x-stator-answer-cache";
    private static final String DOCUMENT =
            "{\"id\": \"1\", \"title\": \"Velmora Bakery\", \"text\": \"It is run by Tam Velkor.\"}";

    private final StubFabric fabric = new StubFabric();

    @SuppressWarnings("NullAway.Init")
    private ApiServer server;

    @SuppressWarnings("NullAway.Init")
    private Client client;

    @AfterEach
    void stop() {
        client.close();
        server.close();
    }

    private void serve(AnswerMode mode, Map<String, AnswerMode> byKey, String... keys) {
        var usual = ApiOptions.of("stub", 0);
        server =
                ApiServer.start(
                        new ApiOptions(
                                usual.host(),
                                0,
                                "stub",
                                List.of(keys),
                                usual.maxBodyBytes(),
                                0,
                                1,
                                usual.maxUnreadBytes(),
                                usual.maxStall(),
                                usual.waiting(),
                                usual.splicing(),
                                usual.reuse(),
                                usual.documentQuotaBytes(),
                                new AnswerOptions(
                                        ByKey.of(mode, byKey), 1 << 20, Duration.ofHours(1), 0.5)),
                        fabric);
        client = new Client(server.port());
    }

    private void serve(AnswerMode mode) {
        serve(mode, Map.of());
    }

    private static String chat(String question, String more) {
        return "{\"temperature\": 0, \"messages\": [{\"role\": \"user\", \"content\": \"%s\"}]%s}"
                .formatted(question, more);
    }

    private Client.Reply ask(String body, String... headers) throws Exception {
        var reply = client.post(CHAT, body, headers);
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply;
    }

    private String result(String body, String... headers) throws Exception {
        return ask(body, headers).header(HEADER).split(";")[0];
    }

    /** Asked twice, what became of the second. */
    private String twice(String body) throws Exception {
        ask(body);
        return result(body);
    }

    @Test
    void nothingIsKeptUnlessTheServerSaysSo() throws Exception {
        serve(AnswerMode.OFF);
        assertThat(twice(chat("x", ""))).isEmpty();
        assertThat(fabric.requests).hasSize(2);
        assertThat(client.get("/admin/cache").json().has("answers")).isFalse();
        assertThat(client.get("/metrics").text()).doesNotContain("answer_cache");

        var refused = client.post(CHAT, chat("x", ", \"answer_cache\": \"exact\""));
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.json().at("/error/param").asString()).isEqualTo("answer_cache");
        assertThat(refused.text()).contains("may be at most `off`", "--answer-cache");
        ask(chat("x", ", \"answer_cache\": \"off\""));
    }

    @Test
    void theSameRequestIsAnsweredWithoutTheEngine() throws Exception {
        serve(AnswerMode.EXACT);
        var first = ask(chat("x", "")).json();
        var again = ask(chat(" x ", ""), "x-stator-trace", "1");

        assertThat(fabric.requests).hasSize(1);
        assertThat(again.header(HEADER)).matches("exact; age=[0-9]+");
        var json = again.json();
        assertThat(json.at("/choices")).isEqualTo(first.at("/choices"));
        assertThat(json.at("/id")).isNotEqualTo(first.at("/id"));
        int prompt = json.at("/usage/prompt_tokens").asInt();
        assertThat(prompt).isEqualTo(first.at("/usage/prompt_tokens").asInt() + 2);
        assertThat(json.at("/usage/prompt_tokens_details/cached_tokens").asInt()).isEqualTo(prompt);
        assertThat(json.at("/usage/completion_tokens"))
                .isEqualTo(first.at("/usage/completion_tokens"));
        assertThat(json.at("/stator/answer_cache/result").asString()).isEqualTo("exact");
        assertThat(json.at("/stator/prompt_tokens/answer_cache").asInt()).isEqualTo(prompt);
    }

    @Test
    void aStreamIsGivenAsAStream() throws Exception {
        serve(AnswerMode.EXACT);
        var body = chat("x", ", \"stream\": true, \"stream_options\": {\"include_usage\": true}");
        ask(chat("x", ""));

        var reply = ask(body);

        assertThat(reply.header(HEADER)).startsWith("exact");
        assertThat(reply.header("content-type")).startsWith("text/event-stream");
        var chunks = reply.chunks();
        assertThat(chunks.getFirst().at("/choices/0/delta/role").asString()).isEqualTo("assistant");
        assertThat(chunks.get(1).at("/choices/0/delta/content").asString()).isEqualTo("Hello");
        assertThat(chunks.get(2).at("/choices/0/finish_reason").asString()).isEqualTo("stop");
        assertThat(chunks.get(3).at("/usage/completion_tokens").asInt()).isEqualTo(2);
        assertThat(fabric.requests).hasSize(1);
    }

    @Test
    void bothApisShareWhatIsTheSameConversation() throws Exception {
        serve(AnswerMode.EXACT);
        ask(chat("x", ""));
        var body =
                "{\"max_tokens\": 50, \"temperature\": 0, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]%s}";

        var whole = client.post(MESSAGES, body.formatted(""));
        assertThat(whole.header(HEADER)).as(whole.text()).startsWith("exact");
        var json = whole.json();
        assertThat(json.at("/content/0/text").asString()).isEqualTo("Hello");
        assertThat(json.at("/stop_reason").asString()).isEqualTo("end_turn");
        assertThat(json.at("/usage/input_tokens").asInt()).isZero();
        assertThat(json.at("/usage/cache_read_input_tokens").asInt()).isPositive();
        assertThat(json.at("/usage/output_tokens").asInt()).isEqualTo(2);

        var stream = client.post(MESSAGES, body.formatted(", \"stream\": true"));
        assertThat(stream.text())
                .containsSubsequence(
                        "message_start", "text_delta", "Hello", "message_delta", "message_stop");
        assertThat(fabric.requests).hasSize(1);
    }

    @Test
    void whatEndedTheAnswerIsToldAgain() throws Exception {
        fabric.script(
                (request, listener) -> {
                    StubFabric.say(listener, "One");
                    listener.onFinish(
                            FinishReason.STOP, "", stopped(request.prompt().length, "END"));
                    return fabric.admitted();
                });
        serve(AnswerMode.EXACT);
        var body =
                "{\"max_tokens\": 50, \"temperature\": 0, \"stop_sequences\": [\"END\"], \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}";
        client.post(MESSAGES, body);

        var again = client.post(MESSAGES, body).json();

        assertThat(again.at("/stop_reason").asString()).isEqualTo("stop_sequence");
        assertThat(again.at("/stop_sequence").asString()).isEqualTo("END");
        assertThat(fabric.requests).hasSize(1);
    }

    private static Account stopped(int prompt, String stop) {
        return new Account(
                "aggregated",
                "decode-0",
                "decode-0",
                Map.of("computed", prompt),
                0,
                new int[1],
                Map.of(),
                Optional.empty(),
                OptionalInt.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(stop));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ", \"temperature\": 0.5",
                ", \"n\": 2",
                ", \"logprobs\": true",
                ", \"answer_cache\": \"off\"",
                ", \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\"}}]",
                ", \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\"}}], \"tool_choice\": \"none\""
            })
    void someRequestsAreAlwaysComputed(String more) throws Exception {
        serve(AnswerMode.SIMILAR);
        assertThat(twice(chat("x", more))).isEmpty();
        assertThat(fabric.requests).hasSizeGreaterThanOrEqualTo(2);
    }

    @Test
    void conversationsWithToolsAndPromptsThatAreToBeKeptAreAlwaysComputed() throws Exception {
        serve(AnswerMode.SIMILAR);
        for (var messages :
                List.of(
                        "{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"assistant\", \"tool_calls\": [{\"id\": \"c\", \"type\": \"function\", \"function\": {\"name\": \"f\", \"arguments\": \"{}\"}}]}, {\"role\": \"tool\", \"tool_call_id\": \"c\", \"content\": \"y\"}",
                        "{\"role\": \"user\", \"content\": \"x\", \"cache_control\": {\"type\": \"ephemeral\"}}")) {
            var body = "{\"temperature\": 0, \"messages\": [%s]}".formatted(messages);
            assertThat(twice(body)).as(messages).isEmpty();
        }
        assertThat(fabric.requests).hasSize(4);
    }

    @Test
    void aRandomAnswerIsGivenAgainOnlyWhereTheRequestSaysThatItMay() throws Exception {
        serve(AnswerMode.EXACT);
        var random = chat("x", ", \"temperature\": 0.7%s");
        var allowed = random.formatted(", \"answer_cache\": \"exact\"");
        assertThat(twice(random.formatted(""))).isEmpty();
        assertThat(twice(allowed)).isEqualTo("exact");
        assertThat(result(random.formatted(""))).isEmpty();
        assertThat(result(random.formatted(", \"seed\": 1, \"answer_cache\": \"exact\"")))
                .isEqualTo("miss");
        assertThat(result(chat("x", ""))).isEqualTo("miss");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ", \"stop\": \"END\"",
                ", \"top_p\": 0.5",
                ", \"logit_bias\": {\"5\": 3}",
                ", \"frequency_penalty\": 1",
                ", \"response_format\": {\"type\": \"json_object\"}",
                ", \"cache_salt\": \"other\"",
                ", \"chat_template_kwargs\": {\"enable_thinking\": false}",
                ", \"ignore_eos\": true",
                ", \"stop_token_ids\": [7]",
                ", \"documents\": [{\"text\": \"A text.\"}]",
                ", \"messages\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", \"content\": \"x\"}]",
                ", \"messages\": [{\"role\": \"user\", \"content\": \"X\"}]",
                ", \"messages\": [{\"role\": \"user\", \"content\": \"x?\"}]",
                ", \"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\"}, {\"role\": \"user\", \"content\": \"x\"}]"
            })
    void whatMayChangeAnAnswerIsAnotherRequest(String more) throws Exception {
        serve(AnswerMode.EXACT);
        ask(chat("x", ""));
        assertThat(result(chat("x", more))).isEqualTo("miss");
        assertThat(result(chat("x", more))).isEqualTo("exact");
        assertThat(result(chat("x", ""))).isEqualTo("exact");
    }

    @Test
    void howLongAnAnswerMayBeIsNoOtherRequestButAnAnswerMustFit() throws Exception {
        serve(AnswerMode.EXACT);
        ask(chat("x", ""));
        assertThat(result(chat("x", ", \"max_tokens\": 2"))).isEqualTo("exact");
        assertThat(result(chat("x", ", \"max_tokens\": 1"))).isEqualTo("miss");
        // What does not fit the context is refused as ever.
        assertThat(client.post(CHAT, chat("x", ", \"max_tokens\": 5000")).status()).isEqualTo(400);
    }

    @Test
    void answersThatWereCutOffOrFailedAreNotKept() throws Exception {
        serve(AnswerMode.EXACT);
        fabric.script(
                (request, listener) -> {
                    StubFabric.say(listener, "Hel");
                    listener.onFinish(FinishReason.LENGTH, "", StubFabric.account(request, 1));
                    return fabric.admitted();
                });
        assertThat(twice(chat("x", ""))).isEqualTo("miss");
        fabric.script(
                (_, listener) -> {
                    StubFabric.say(listener, "Hel");
                    listener.onFailure("the engine broke");
                    return (Admission.Admitted) () -> {};
                });
        assertThat(client.post(CHAT, chat("y", "")).status()).isEqualTo(500);
        fabric.script(StubFabric::hello);
        assertThat(result(chat("x", ""))).isEqualTo("miss");
        assertThat(result(chat("y", ""))).isEqualTo("miss");
        assertThat(result(chat("y", ""))).isEqualTo("exact");
    }

    @Test
    void documentsAreTheSameByWhatTheySayAndInOrderOnlyWhereThatIsMeant() throws Exception {
        serve(AnswerMode.EXACT);
        var a = "{\"id\": \"a\", \"text\": \"One.\"}";
        var b = "{\"id\": \"b\", \"text\": \"Two.\"}";
        var list = ", \"documents\": [%s, %s]";
        var set = list + ", \"reuse\": \"exact-reorder\"";
        ask(chat("x", list.formatted(a, b)));
        ask(chat("x", set.formatted(a, b)));

        assertThat(result(chat("x", list.formatted(a, b)))).isEqualTo("exact");
        assertThat(result(chat("x", list.formatted(b, a)))).isEqualTo("miss");
        assertThat(result(chat("x", set.formatted(b, a)))).isEqualTo("exact");
        assertThat(result(chat("x", set.formatted(a, b.replace("Two", "Too"))))).isEqualTo("miss");
        assertThat(result(chat("x", set.formatted(a, b.replace("\"b\"", "\"c\"")))))
                .isEqualTo("miss");
        var ranked = set + ", \"rank_note\": true";
        ask(chat("x", ranked.formatted(a, b)));
        assertThat(result(chat("x", ranked.formatted(b, a)))).isEqualTo("miss");
    }

    @Test
    void keysShareNothingAndMayHaveModesOfTheirOwn() throws Exception {
        serve(
                AnswerMode.OFF,
                Map.of("one", AnswerMode.EXACT, "two", AnswerMode.EXACT),
                "one",
                "two",
                "three");
        var one = new String[] {"authorization", "Bearer one"};
        var two = new String[] {"x-api-key", "two"};
        var three = new String[] {"authorization", "Bearer three"};
        ask(chat("x", ""), one);

        assertThat(result(chat("x", ""), one)).isEqualTo("exact");
        assertThat(result(chat("x", ""), two)).isEqualTo("miss");
        assertThat(result(chat("x", ""), three)).isEmpty();
        var more = chat("x", ", \"answer_cache\": \"%s\"");
        assertThat(client.post(CHAT, more.formatted("similar"), one).status()).isEqualTo(400);
        assertThat(client.post(CHAT, more.formatted("exact"), three).status()).isEqualTo(400);
    }

    @Test
    void otherWordsAreVerifiedThenGivenAndSeen() throws Exception {
        fabric.script(
                (request, listener) -> {
                    StubFabric.say(listener, "It is run by Tam ", "Velkor [doc 1].");
                    listener.onFinish(FinishReason.STOP, "", StubFabric.account(request, 9));
                    return fabric.admitted();
                });
        serve(AnswerMode.SIMILAR);
        var documents =
                ", \"documents\": [" + DOCUMENT + "], \"chat_template_kwargs\": {\"k\": %d}";
        int verified = 0;
        String result;
        do {
            var more = documents.formatted(verified);
            ask(chat("Who runs Velmora Bakery?", more));
            var reply = ask(chat("Please, who runs Velmora Bakery?", more), "x-stator-trace", "1");
            result = reply.json().at("/stator/answer_cache/result").asString();
            verified += result.equals("verified") ? 1 : 0;
        } while (!result.equals("similar") && verified < 20);

        // One in twenty of those that may be given is verified all the same.
        assertThat(verified).isBetween(6, 10);
        assertThat(result).isEqualTo("similar");
        var seen = client.get("/admin/cache").json().at("/answers");
        assertThat(seen.at("/verified").asInt()).isEqualTo(verified);
        assertThat(seen.at("/false").asInt()).isZero();
        assertThat(seen.at("/false_rate").asDouble()).isZero();
        assertThat(seen.at("/false_rate_upper_95").asDouble()).isBetween(0.2, 0.5);
        assertThat(seen.at("/hits_similar").asInt()).isEqualTo(1);
        assertThat(seen.at("/serving_tenants").asInt()).isEqualTo(1);
        assertThat(client.get("/metrics").text())
                .contains(
                        "stator_answer_cache_hits_total{mode=\"similar\"} 1.0",
                        "stator_answer_cache_verified_total{outcome=\"right\"} " + verified,
                        "stator_answer_cache_verified_total{outcome=\"false\"} 0.0",
                        "stator_answer_cache_misses_total",
                        "stator_answer_cache_entries",
                        "stator_answer_cache_bytes ");
    }

    @Test
    void valuesThatAreNoModesAreRefused() throws Exception {
        serve(AnswerMode.EXACT);
        for (var wrong : List.of("\"fuzzy\"", "1", "true")) {
            for (var path : List.of(CHAT, MESSAGES)) {
                var reply =
                        client.post(
                                path, chat("x", ", \"max_tokens\": 5, \"answer_cache\": " + wrong));
                assertThat(reply.status()).as(reply.text()).isEqualTo(400);
                assertThat(reply.text()).contains("answer_cache");
            }
        }
    }

    @Test
    void optionsThatMeanNothingAreRefused() {
        serve(AnswerMode.OFF);
        var hour = Duration.ofHours(1);
        assertThatThrownBy(
                        () ->
                                new AnswerOptions(
                                        ByKey.of(AnswerMode.EXACT, Map.of()), -1, hour, 0.02))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(
                        () ->
                                new AnswerOptions(
                                        ByKey.of(AnswerMode.EXACT, Map.of()),
                                        1,
                                        Duration.ZERO,
                                        0.02))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(
                        () -> new AnswerOptions(ByKey.of(AnswerMode.EXACT, Map.of()), 1, hour, 0))
                .isInstanceOf(IllegalArgumentException.class);
        var byKey =
                new AnswerOptions(
                        ByKey.of(AnswerMode.OFF, Map.of("unknown", AnswerMode.EXACT)),
                        1,
                        hour,
                        0.02);
        assertThatThrownBy(() -> ApiOptions.of("stub", 0).withAnswers(byKey))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("API key");
    }
}
