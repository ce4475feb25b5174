package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.openai.core.JsonValue;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Nothing goes on for those who have left. */
@ExtendWith(SharedServer.class)
final class LeavingClientsIT {
    private static final int TOKENS = 4000;
    private static final int SOCKETS = 100;
    private static final int AT_ONCE = 10;

    private static double generated(Served stator) {
        return stator.metrics().sum("stator_generation_tokens_total");
    }

    @Test
    void aStreamThatTheSdkClosesIsCancelled(Served stator) {
        double before = generated(stator);
        var params =
                ChatCompletionCreateParams.builder()
                        .model("default")
                        .addUserMessage("Question: Who?")
                        .maxCompletionTokens(TOKENS)
                        .logitBias(
                                ChatCompletionCreateParams.LogitBias.builder()
                                        .putAdditionalProperty("1535", JsonValue.from(-100))
                                        .build())
                        .build();
        try (var stream = stator.openAi().chat().completions().createStreaming(params)) {
            assertThat(stream.stream().limit(3)).hasSize(3);
        }

        Metrics.awaitIdle(stator.http());
        assertThat(generated(stator) - before).isLessThan(TOKENS / 2);
    }

    @Test
    void anAnswerThatIsNotStreamedIsCancelledToo(Served stator) throws Exception {
        double before = generated(stator);
        var body = Endless.body("Question: Where?", TOKENS).replace("\"stream\": true, ", "");
        try (var socket = socket(stator)) {
            socket.getOutputStream().write(request(body));
            Await.until(() -> stator.metrics().inWork() > 0, stator::metrics);
        }

        Metrics.awaitIdle(stator.http());
        assertThat(generated(stator) - before).isLessThan(TOKENS / 2);
    }

    @Test
    void connectionsResetAtAnyPointLeaveNothingBehind(Served stator) throws Exception {
        var random = new Random(20261125);
        var leaving = new ArrayList<Future<?>>();
        try (var threads = Executors.newFixedThreadPool(AT_ONCE, Thread.ofVirtual().factory())) {
            for (int i = 0; i < SOCKETS; i++) {
                var request = request(Endless.body("Question: Who is " + i % 7 + "?", TOKENS));
                // A third leave before their request is whole.
                int sent = random.nextInt(3) == 0 ? random.nextInt(request.length) : request.length;
                int read = sent < request.length ? 0 : random.nextInt(6000);
                leaving.add(
                        threads.submit(
                                () -> {
                                    reset(stator, request, sent, read);
                                    return sent;
                                }));
            }
        }
        for (var one : leaving) {
            one.get();
        }

        Metrics.awaitIdle(stator.http());
        assertThat(stator.process().isAlive()).isTrue();
    }

    private static void reset(Served stator, byte[] request, int sent, int read)
            throws IOException {
        try (var socket = socket(stator)) {
            // Closing sends a reset.
            socket.setSoLinger(true, 0);
            socket.getOutputStream().write(request, 0, sent);
            socket.getInputStream().readNBytes(read);
        }
    }

    private static Socket socket(Served stator) throws IOException {
        var address = stator.http().address();
        var socket = new Socket(address.getHost(), address.getPort());
        socket.setSoTimeout(Math.toIntExact(Await.PATIENCE.toMillis()));
        return socket;
    }

    private static byte[] request(String body) {
        return """
        POST /v1/chat/completions HTTP/1.1\r
        host: localhost\r
        content-type: application/json\r
        content-length: %d\r
        \r
        %s"""
                .formatted(body.length(), body)
                .getBytes(StandardCharsets.US_ASCII);
    }
}
