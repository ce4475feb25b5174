package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.engine.Sampled;
import dev.stator.serving.Admission;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationListener;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Streams and their ends, over a scripted fabric. */
class StreamTest {
    private static final String PATH = "/v1/completions";

    private final StubFabric fabric = new StubFabric();
    private final BlockingQueue<GenerationListener> listeners = new LinkedBlockingQueue<>();
    private final BlockingQueue<Boolean> cancels = new LinkedBlockingQueue<>();
    private ApiServer server;
    private Client client;

    @BeforeEach
    void start() {
        server =
                ApiServer.start(
                        new ApiOptions(
                                "127.0.0.1",
                                0,
                                "stub",
                                List.of(),
                                1 << 20,
                                0,
                                1,
                                64 << 10,
                                Duration.ofSeconds(60)),
                        fabric);
        client = new Client(server.port());
    }

    @AfterEach
    void stop() {
        client.close();
        server.close();
    }

    /** Admits requests and hands their listeners to the test. */
    private void hold() {
        fabric.script(
                (_, listener) -> {
                    listeners.add(listener);
                    return (Admission.Admitted) () -> cancels.add(true);
                });
    }

    private Socket ask(String body) throws IOException {
        var socket = new Socket("127.0.0.1", server.port());
        var bytes = body.getBytes(StandardCharsets.UTF_8);
        socket.getOutputStream()
                .write(
                        ("POST "
                                        + PATH
                                        + " HTTP/1.1\r\nHost: x\r\nContent-Length: "
                                        + bytes.length
                                        + "\r\n\r\n"
                                        + body)
                                .getBytes(StandardCharsets.UTF_8));
        return socket;
    }

    private GenerationListener listener() throws InterruptedException {
        var listener = listeners.poll(30, TimeUnit.SECONDS);
        assertThat(listener).isNotNull();
        return listener;
    }

    private void assertCancelled() throws InterruptedException {
        assertThat(cancels.poll(30, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void everyTokenIsAnEventOfItsOwn() throws Exception {
        var chunks =
                client.post(
                                PATH,
                                """
                                {"prompt": "x", "stream": true,
                                 "stream_options": {"include_usage": true}}""")
                        .chunks();

        assertThat(chunks).hasSize(4);
        assertThat(chunks.get(0).at("/choices/0/text").asString()).isEqualTo("Hel");
        assertThat(chunks.get(0).at("/object").asString()).isEqualTo("text_completion");
        assertThat(chunks.get(1).at("/choices/0/text").asString()).isEqualTo("lo");
        assertThat(chunks.get(1).at("/choices/0/finish_reason").isNull()).isTrue();
        assertThat(chunks.get(2).at("/choices/0/finish_reason").asString()).isEqualTo("stop");
        assertThat(chunks.get(2).at("/usage").isNull()).isTrue();
        assertThat(chunks.get(3).at("/choices").size()).isZero();
        assertThat(chunks.get(3).at("/usage/completion_tokens").asInt()).isEqualTo(2);
        assertThat(chunks.get(3).at("/usage/prompt_tokens_details/cached_tokens").asInt())
                .isEqualTo(1);
    }

    @Test
    void anAnswerIsCancelledWhenItsReaderLeaves() throws Exception {
        hold();
        try (var socket = ask("{\"prompt\": \"x\", \"stream\": true}")) {
            StubFabric.say(listener(), "a");
            assertThat(socket.getInputStream().read()).isEqualTo('H');
        }
        assertCancelled();
    }

    @Test
    void anAnswerThatIsNotStreamedIsCancelledBeforeItsFirstToken() throws Exception {
        hold();
        try (var _ = ask("{\"prompt\": \"x\"}")) {
            listener();
        }
        assertCancelled();
    }

    @Test
    void allAnswersOfAnExchangeAreCancelled() throws Exception {
        hold();
        try (var _ = ask("{\"prompt\": [\"x\", \"y\"], \"n\": 2, \"stream\": true}")) {
            for (int i = 0; i < 4; i++) {
                listener();
            }
        }
        for (int i = 0; i < 4; i++) {
            assertCancelled();
        }
    }

    @Test
    void anEngineFailureBeforeTheFirstTokenIsA500() throws Exception {
        fabric.script(
                (_, listener) -> {
                    listener.onFailure("the engine broke");
                    return fabric.admitted();
                });

        var reply = client.post(PATH, "{\"prompt\": \"x\", \"stream\": true}");

        assertThat(reply.status()).isEqualTo(500);
        assertThat(reply.json().at("/error/message").asString()).isEqualTo("The engine broke.");
        assertThat(reply.json().at("/error/type").asString()).isEqualTo("server_error");
    }

    @Test
    void anEngineFailureLaterIsAnErrorEventAndTheEnd() throws Exception {
        hold();
        var asked = client.send(client.request(PATH), "{\"prompt\": \"x\", \"stream\": true}");
        var listener = listener();
        StubFabric.say(listener, "a");
        var lines = asked.get(30, TimeUnit.SECONDS).body().iterator();
        assertThat(lines.next()).contains("\"text\":\"a\"");
        listener.onFailure("the engine broke");

        assertThat(lines.next()).isEmpty();
        assertThat(lines.next()).contains("\"error\"").contains("The engine broke.");
        assertThat(lines.next()).isEmpty();
        assertThat(lines.hasNext()).isFalse();
    }

    @Test
    void aClientThatDoesNotReadIsCutOff() throws Exception {
        hold();
        try (var _ = ask("{\"prompt\": \"x\", \"stream\": true}")) {
            var listener = listener();
            var text = "x".repeat(100_000);
            while (cancels.isEmpty()) {
                StubFabric.say(listener, text);
                Thread.onSpinWait();
            }
        }
        assertThat(client.get("/metrics").text()).contains("stator_slow_clients_cut_off_total 1.0");
    }

    @Test
    void severalAnswersAreInterleaved() throws Exception {
        hold();
        var asked =
                client.send(
                        client.request(PATH), "{\"prompt\": \"x\", \"n\": 2, \"stream\": true}");
        var one = listener();
        var two = listener();
        StubFabric.say(two, "b");
        StubFabric.say(one, "a");
        StubFabric.say(two, "d");
        var request = fabric.requests.take();
        two.onFinish(FinishReason.LENGTH, "!", StubFabric.account(request, 2));
        one.onFinish(FinishReason.STOP, "", StubFabric.account(request, 1));

        var data =
                asked.get(30, TimeUnit.SECONDS)
                        .body()
                        .filter(line -> line.startsWith("data: {"))
                        .map(line -> Client.JSON.readTree(line.substring(6)).at("/choices/0"))
                        .map(
                                choice ->
                                        choice.at("/index").asInt()
                                                + choice.at("/text").asString()
                                                + choice.at("/finish_reason").asString(""))
                        .toList();
        assertThat(data).containsExactly("1b", "0a", "1d", "1!", "1length", "0stop");
    }

    @Test
    void oneConnectionServesStreamsOfAllSizes() throws Exception {
        for (int length : new int[] {1, 10, 100, 1000, 10_000, 40_000}) {
            var text = "é".repeat(length);
            fabric.script(
                    (request, listener) -> {
                        StubFabric.say(listener, text);
                        listener.onFinish(FinishReason.STOP, "", StubFabric.account(request, 1));
                        return fabric.admitted();
                    });

            var chunks = client.post(PATH, "{\"prompt\": \"x\", \"stream\": true}").chunks();

            assertThat(chunks.getFirst().at("/choices/0/text").asString()).isEqualTo(text);
        }
    }

    @Test
    void http2StreamsToo() throws Exception {
        try (var http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
            var request =
                    client.request(PATH)
                            .POST(
                                    HttpRequest.BodyPublishers.ofString(
                                            "{\"prompt\": \"x\", \"stream\": true}"))
                            .build();
            var bodies = new ArrayList<String>();
            for (int i = 0; i < 2; i++) {
                var response = http.send(request, HttpResponse.BodyHandlers.ofString());
                assertThat(response.version()).isEqualTo(HttpClient.Version.HTTP_2);
                bodies.add(response.body());
            }
            assertThat(bodies)
                    .allMatch(body -> body.contains("\"Hel\"") && body.endsWith("[DONE]\n\n"));
        }
    }

    @Test
    void logprobsComeWithTheirToken() throws Exception {
        fabric.script(
                (request, listener) -> {
                    var top = List.of(new Sampled.Candidate('h', -0.1f));
                    listener.onToken(new GeneratedToken(new Sampled('h', -0.1f, top), "h"));
                    listener.onToken(
                            new GeneratedToken(new Sampled('i', Float.NEGATIVE_INFINITY, top), ""));
                    listener.onToken(
                            new GeneratedToken(new Sampled(StubTokenizer.END, 0, List.of()), ""));
                    listener.onFinish(FinishReason.STOP, "i", StubFabric.account(request, 3));
                    return fabric.admitted();
                });

        var chunks =
                client.post(PATH, "{\"prompt\": \"x\", \"logprobs\": 1, \"stream\": true}")
                        .chunks();
        assertThat(chunks.get(0).at("/choices/0/logprobs").toString())
                .isEqualTo(
                        "{\"tokens\":[\"h\"],\"token_logprobs\":[-0.1],\"top_logprobs\":[{\"h\":-0.1}],\"text_offset\":[0]}");
        assertThat(chunks.get(1).at("/choices/0/logprobs/token_logprobs/0").asDouble())
                .isEqualTo(-9999);
        assertThat(chunks.get(1).at("/choices/0/logprobs/text_offset/0").asInt()).isEqualTo(1);

        var chat =
                client.post(
                                "/v1/chat/completions",
                                """
                                {"messages": [{"role": "user", "content": "x"}],
                                 "logprobs": true, "top_logprobs": 1}""")
                        .json();
        assertThat(chat.at("/choices/0/logprobs/content").size()).isEqualTo(2);
        assertThat(chat.at("/choices/0/logprobs/content/0").toString())
                .isEqualTo(
                        "{\"token\":\"h\",\"logprob\":-0.1,\"bytes\":[104],\"top_logprobs\":[{\"token\":\"h\",\"logprob\":-0.1,\"bytes\":[104]}]}");
        assertThat(chat.at("/choices/0/message/content").asString()).isEqualTo("hi");
    }
}
