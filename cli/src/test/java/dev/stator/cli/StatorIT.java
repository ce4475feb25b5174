package dev.stator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The distribution as users meet it: real processes, the demonstration model. */
final class StatorIT {
    private static final String DOCUMENT =
            "The number of people who work at Old Heron Cafe is 384. A ticket for Old Heron Cafe costs 174 dollars.";
    private static final String QUESTION = "Question: What does a ticket for Old Heron Cafe cost?";

    /** As long as it may be: the token that ends answers is forbidden. */
    private static final String LONG_ANSWER =
            """
            {"model": "default", "stream": true, "max_tokens": %d, "logit_bias": {"1535": -100},
             "messages": [{"role": "user", "content": "Question: Who?"}]}""";

    private static StatorProcess up(String... flags) throws IOException {
        var arguments = new String[flags.length + 5];
        var first = new String[] {"up", "--port", "0", "--host-cache", "64MiB"};
        System.arraycopy(first, 0, arguments, 0, first.length);
        System.arraycopy(flags, 0, arguments, first.length, flags.length);
        return StatorProcess.start(arguments);
    }

    private static HttpResponse<String> get(HttpClient http, String url)
            throws IOException, InterruptedException {
        return http.send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.ofString());
    }

    private static BufferedReader stream(HttpClient http, String url, int tokens)
            throws IOException, InterruptedException {
        var request =
                HttpRequest.newBuilder(URI.create(url + "/v1/chat/completions"))
                        .POST(BodyPublishers.ofString(LONG_ANSWER.formatted(tokens)))
                        .build();
        var response = http.send(request, BodyHandlers.ofInputStream());
        assertThat(response.statusCode()).isEqualTo(200);
        return new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
    }

    /** Comments that keep the connection open may come before it. */
    private static void awaitFirstEvent(BufferedReader answer) throws IOException {
        var line = answer.readLine();
        while (line != null && !line.startsWith("data: ")) {
            line = answer.readLine();
        }
        assertThat(line).isNotNull();
    }

    private static void assertRefused(StatorProcess process, int code, String... parts)
            throws InterruptedException {
        assertThat(process.exitCode()).isEqualTo(code);
        assertThat(process.out()).isEmpty();
        assertThat(process.err()).isNotEmpty().allMatch(line -> line.startsWith("stator: "));
        assertThat(process.err()).anySatisfy(line -> assertThat(line).contains(parts));
    }

    @Test
    void upServesChatsAndStopsCleanly(@TempDir Path folder) throws Exception {
        var document = Files.writeString(folder.resolve("Old Heron Cafe"), DOCUMENT);
        try (var server = up();
                var http = HttpClient.newHttpClient()) {
            var ready = server.line();
            assertThat(ready)
                    .matches(
                            "ready http://127\\.0\\.0\\.1:\\d+ model=docqa-demo prefill=1 decode=1 mode=auto context=4096 threads=\\d+ host-cache=64MiB");
            var url = ready.split(" ")[1];
            assertThat(get(http, url + "/health/ready").statusCode()).isEqualTo(200);

            try (var chat =
                    StatorProcess.start(
                            "chat",
                            "--url",
                            url,
                            "--max-tokens",
                            "24",
                            "--temperature",
                            "0",
                            "--file",
                            document.toString(),
                            "--system",
                            "Answer from the documents only and cite the source.")) {
                try (var input = chat.input()) {
                    var lines =
                            "%s%n%nHow many people work at Old Heron Cafe?%n".formatted(QUESTION);
                    input.write(lines.getBytes(StandardCharsets.UTF_8));
                }
                assertThat(chat.exitCode()).isZero();
                assertThat(chat.out()).hasSize(2);
                assertThat(chat.out().getFirst()).contains("174");
                assertThat(chat.err()).hasSize(2).allMatch(line -> line.contains("ttft "));
                // The first question and its answer are not prefilled again.
                assertThat(chat.err().get(1)).containsPattern("prompt \\d+ tokens: \\d+ reused");
            }

            server.terminate();
            assertThat(server.exitCode()).isZero();
            assertThat(server.out()).containsExactly(ready);
            assertThat(server.err()).allMatch(line -> line.startsWith("stator: "));
        }
    }

    @Test
    void aSignalLetsRunningAnswersEnd() throws Exception {
        try (var server = up("--drain-seconds", "300");
                var http = HttpClient.newHttpClient();
                var answer = stream(http, server.url(), 100)) {
            awaitFirstEvent(answer);
            server.terminate();

            var rest = answer.lines().filter(line -> !line.isEmpty()).toList();
            assertThat(rest.getLast()).isEqualTo("data: [DONE]");
            assertThat(server.exitCode()).isZero();
        }
    }

    @Test
    void aSecondSignalStopsAtOnce() throws Exception {
        try (var server = up();
                var http = HttpClient.newHttpClient();
                var answer = stream(http, server.url(), 4000)) {
            awaitFirstEvent(answer);
            server.terminate();
            awaitNotReady(http, server.out().getFirst().split(" ")[1]);
            server.terminate();

            assertThat(server.exitCode()).isEqualTo(130);
        }
    }

    /** Two signals right after one another may reach the process as one. */
    private static void awaitNotReady(HttpClient http, String url) throws Exception {
        while (get(http, url + "/health/ready").statusCode() == 200) {
            Thread.onSpinWait();
        }
    }

    @Test
    void aModelThatIsNotThereIsRefused() throws Exception {
        try (var server = up("--model", "/nowhere/m.gguf")) {
            assertRefused(server, 1, "/nowhere/m.gguf");
        }
    }

    @Test
    void aModelThatIsCutShortIsRefused(@TempDir Path folder) throws Exception {
        var whole = Files.readAllBytes(StatorProcess.HOME.resolve("demo/model.gguf"));
        var file = Files.write(folder.resolve("half.gguf"), Arrays.copyOf(whole, whole.length / 2));

        try (var server = up("--model", file.toString())) {
            assertRefused(server, 1, "half.gguf is cut short");
        }
    }

    @Test
    void aFileThatIsNoModelIsRefused(@TempDir Path folder) throws Exception {
        var file = Files.writeString(folder.resolve("page.gguf"), "<html>not found</html>");

        try (var server = up("--model", file.toString())) {
            assertRefused(server, 1, "page.gguf is not a GGUF file");
        }
    }

    @Test
    void aModelWhoseTensorsAreWrongIsRefusedByTheEngine(@TempDir Path folder) throws Exception {
        // The head is a sound GGUF file; only llama.cpp can tell that it makes no model.
        var bytes = Files.readAllBytes(StatorProcess.HOME.resolve("demo/model.gguf"));
        var text = new String(bytes, StandardCharsets.ISO_8859_1);
        var broken = text.replaceFirst("token_embd\\.weight", "token_embx.weight");
        var file =
                Files.write(
                        folder.resolve("broken.gguf"),
                        broken.getBytes(StandardCharsets.ISO_8859_1));

        try (var server = up("--model", file.toString())) {
            assertRefused(server, 1, "broken.gguf", "token_embd");
        }
    }

    @Test
    void aPortInUseIsRefused() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                var server =
                        StatorProcess.start("up", "--port", String.valueOf(taken.getLocalPort()))) {
            assertRefused(server, 1, String.valueOf(taken.getLocalPort()), "in use", "--port");
        }
    }

    @Test
    void librariesThatAreNoneAreRefused(@TempDir Path folder) throws Exception {
        try (var server =
                StatorProcess.start(
                        StatorProcess.HOME.resolve("stator"),
                        Map.of("STATOR_LLAMA_DIR", folder.toString()),
                        "up",
                        "--port",
                        "0")) {
            assertRefused(server, 1, folder.toString(), "STATOR_LLAMA_DIR");
        }
    }

    @Test
    void anUnknownFlagIsRefusedWithTheNearest() throws Exception {
        try (var server = StatorProcess.start("up", "--prefil-workers", "2")) {
            assertRefused(server, 2, "--prefil-workers", "did you mean '--prefill-workers'?");
        }
    }

    @Test
    void chatWithoutAServerSaysHowToStartOne() throws Exception {
        int free;
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            free = socket.getLocalPort();
        }
        try (var chat = StatorProcess.start("chat", "--url", "http://127.0.0.1:" + free)) {
            try (var input = chat.input()) {
                input.write("Hello?\n".getBytes(StandardCharsets.UTF_8));
            }
            assertRefused(chat, 1, "there is no server at", "stator up");
        }
    }

    @Test
    void theScriptWorksThroughASymbolicLink(@TempDir Path folder) throws Exception {
        var link =
                Files.createSymbolicLink(
                        folder.resolve("stator-link"), StatorProcess.HOME.resolve("stator"));

        try (var version = StatorProcess.start(link, Map.of(), "--version")) {
            assertThat(version.exitCode()).isZero();
            assertThat(version.out().getFirst()).startsWith("stator 0.").contains("Java 25");
        }
    }

    @Test
    void aWrongJavaHomeIsRefused(@TempDir Path folder) throws Exception {
        try (var version =
                StatorProcess.start(
                        StatorProcess.HOME.resolve("stator"),
                        Map.of("STATOR_JAVA_HOME", folder.toString()),
                        "--version")) {
            assertRefused(version, 1, "STATOR_JAVA_HOME", "JDK 25");
        }
    }

    @Test
    void aModelCanBeMadeLookedIntoAndServed(@TempDir Path folder) throws Exception {
        var file = folder.resolve("tiny.gguf").toString();
        var demo = StatorProcess.HOME.resolve("demo/model.gguf").toString();
        try (var synth =
                StatorProcess.start(
                        "model",
                        "synth",
                        "tiny",
                        "--type",
                        "q8_0",
                        "--tokenizer",
                        demo,
                        "--out",
                        file)) {
            assertThat(synth.exitCode()).isZero();
            assertThat(synth.out()).containsExactly(file);
        }
        try (var inspect = StatorProcess.start("model", "inspect", file)) {
            assertThat(inspect.exitCode()).isZero();
            assertThat(String.join("\n", inspect.out())).contains("llama", "Q8_0");
        }
        try (var server = up("--model", file, "--kv-type", "q8_0", "--prefill-workers", "0")) {
            assertThat(server.line()).contains(" model=tiny prefill=0 decode=1 ");
        }
    }
}
