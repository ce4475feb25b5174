package dev.stator.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.json.JsonMapper;

/** Requests that no client library would send. */
@ExtendWith(SharedServer.class)
final class HostileRequestsIT {
    private static final int REQUESTS = 400;
    private static final long SEED = 25_11_2026;

    private static final List<String> PATHS =
            List.of(
                    "/v1/chat/completions",
                    "/v1/completions",
                    "/v1/embeddings",
                    "/tokenize",
                    "/detokenize");

    private static final List<String> BODIES =
            List.of(
                    """
                    {"model": "default", "max_tokens": 2, "stream": false, "n": 1, "seed": 7,
                     "messages": [{"role": "system", "content": "x"}, {"role": "user", "content": [{"type": "text", "text": "Who?"}]}],
                     "stop": ["a", "b"], "logit_bias": {"7": 1}, "temperature": 0.5, "top_p": 0.9}""",
                    """
                    {"model": "default", "max_tokens": 2, "tool_choice": "required",
                     "messages": [{"role": "user", "content": "Who?"}],
                     "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"enum": [1, 2]}}}}}]}""",
                    """
                    {"model": "default", "max_tokens": 2, "messages": [{"role": "user", "content": "Who?"}],
                     "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "pattern": "^[a-z]+$"}}}}}}""",
                    """
                    {"model": "default", "prompt": ["Who?", "What?"], "max_tokens": 2, "echo": true, "logprobs": 2}""",
                    """
                    {"model": "default", "input": ["Who?"], "prompt": "Who?", "tokens": [1, 2, 3]}""");

    private static final List<String> SCRAPS =
            List.of(
                    "null",
                    "-1",
                    "1e999",
                    "99999999999999999999",
                    "\"\\ud800\"",
                    "[[[[",
                    "{}",
                    "[]",
                    "true",
                    "\"\"",
                    "\u0000",
                    "\u00e9",
                    ":",
                    ",",
                    "}",
                    "\"model\"",
                    "NaN",
                    "0.1e-400");

    private static final Pattern CONTENT_LENGTH =
            Pattern.compile("(?i)\r\ncontent-length: ([0-9]+)\r\n");

    private static final byte[] END = "\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    /** What a server says before it closes the connection. */
    private record Reply(int status, String body) {}

    @Test
    void brokenBodiesAreRefusedOrAnsweredButNeverBreakTheServer(Served stator) throws Exception {
        var random = new Random(SEED);
        for (int i = 0; i < REQUESTS; i++) {
            var path = PATHS.get(random.nextInt(PATHS.size()));
            var body = mutated(BODIES.get(random.nextInt(BODIES.size())), random);
            var reply = send(stator, request(path, body));

            var what = "request %d to %s: %s".formatted(i, path, body);
            assertThat(reply.status).as(what).isBetween(200, 499);
            if (reply.status >= 400) {
                var error = JsonMapper.shared().readTree(reply.body).path("error");
                assertThat(error.path("message").asString()).as(what).isNotBlank();
                assertThat(error.path("type").asString()).as(what).isNotBlank();
            }
        }
        Metrics.awaitIdle(stator.http());
    }

    @Test
    void whatIsNoHttpIsRefused(Served stator) throws Exception {
        var random = new Random(SEED);
        for (int i = 0; i < 20; i++) {
            var bytes = new byte[20 + random.nextInt(300)];
            random.nextBytes(bytes);
            // A line and an end of the head, so that there is something to judge.
            System.arraycopy(END, 0, bytes, bytes.length - END.length, END.length);
            var reply = send(stator, bytes);
            assertThat(reply.status).as(reply.body).isIn(400, 431);
        }
        assertThat(stator.http().get("/health/live").statusCode()).isEqualTo(200);
    }

    @Test
    void deepNestingIsRefused(Served stator) throws Exception {
        var deep = "{\"messages\": " + "[".repeat(200_000);

        assertThat(send(stator, request("/v1/chat/completions", deep)).status).isEqualTo(400);
    }

    @Test
    void aBodyBeyondTheLimitIsRefused(Served stator) throws Exception {
        var head =
                "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
                        + "expect: 100-continue\r\ncontent-length: 9999999999\r\n\r\n";
        var reply = send(stator, head.getBytes(StandardCharsets.US_ASCII));

        assertThat(reply.status).isEqualTo(413);
        assertThat(reply.body).contains("body_too_large");
    }

    private static String mutated(String body, Random random) {
        var text = new StringBuilder(body);
        int mutations = 1 + random.nextInt(4);
        for (int i = 0; i < mutations && !text.isEmpty(); i++) {
            int at = random.nextInt(text.length());
            switch (random.nextInt(6)) {
                case 0 -> text.setLength(at);
                case 1 -> text.insert(at, SCRAPS.get(random.nextInt(SCRAPS.size())));
                case 2 -> text.setCharAt(at, (char) random.nextInt(0x250));
                case 3 -> text.deleteCharAt(at);
                case 4 -> replaceValue(text, at, SCRAPS.get(random.nextInt(SCRAPS.size())));
                default -> {
                    int end = Math.min(text.length(), at + random.nextInt(40));
                    text.insert(at, text.substring(at, end));
                }
            }
        }
        return text.toString();
    }

    /** The next value after a colon becomes another. */
    private static void replaceValue(StringBuilder text, int from, String value) {
        int colon = text.indexOf(": ", from);
        int end = colon < 0 ? -1 : text.indexOf(",", colon);
        if (end > 0) {
            text.replace(colon + 2, end, value);
        }
    }

    private static byte[] request(String path, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        var out = new ByteArrayOutputStream();
        out.write(
                "POST %s HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
                        .formatted(path, bytes.length)
                        .getBytes(StandardCharsets.US_ASCII));
        out.write(bytes);
        return out.toByteArray();
    }

    private static Reply send(Served stator, byte[] request) throws IOException {
        var address = stator.http().address();
        try (var socket = new Socket(address.getHost(), address.getPort())) {
            socket.setSoTimeout(Math.toIntExact(Await.PATIENCE.toMillis()));
            socket.getOutputStream().write(request);
            return reply(socket.getInputStream());
        }
    }

    private static Reply reply(InputStream in) throws IOException {
        var head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            if (next < 0) {
                return new Reply(0, head.toString());
            }
            head.append((char) next);
        }
        var length = CONTENT_LENGTH.matcher(head);
        byte[] body =
                length.find()
                        ? in.readNBytes(Integer.parseInt(length.group(1)))
                        : in.readAllBytes();
        return new Reply(
                Integer.parseInt(head.substring(9, 12)), new String(body, StandardCharsets.UTF_8));
    }
}
