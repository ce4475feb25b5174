package dev.stator.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Clients that stream answers from frontends, one after the other. As OpenAI's client does, each
 * tries again, at the other frontend, when its connection breaks or it is asked to come later.
 */
final class ChaosClients {
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final Duration PAUSE = Duration.ofMillis(250);

    /** A frontend that was killed is there again after some seconds, and the other one is there. */
    private static final int MOST_TRIES = 20;

    /**
     * @param body of the request
     * @param answer undisturbed, with log probabilities
     */
    record Question(String body, String answer) {
        String text() {
            return SoakConversation.text(answer);
        }
    }

    private final ChaosCluster cluster;
    private final List<Question> questions;
    private final List<Thread> threads = new ArrayList<>();
    private final AtomicLong answered = new AtomicLong();
    private final AtomicLong again = new AtomicLong();
    private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
    private volatile boolean ended;

    ChaosClients(ChaosCluster cluster, List<Question> questions) {
        this.cluster = cluster;
        this.questions = questions;
    }

    /** Requests that were answered. */
    long answered() {
        return answered.get();
    }

    /** Tries that broke and were made again. */
    long again() {
        return again.get();
    }

    /** Requests that failed, and answers that are not what they should be. */
    List<String> wrong() {
        return List.copyOf(wrong);
    }

    void start(int count, long seed) {
        for (int i = 0; i < count; i++) {
            var random = new Random(seed * 31 + i);
            threads.add(Thread.ofVirtual().start(() -> ask(random)));
        }
    }

    /** Each question once, and now. */
    void askAll() {
        var random = new Random(0);
        questions.forEach(question -> ask(question, random));
    }

    /** Lets each finish what it asks. */
    void end() {
        ended = true;
        try {
            for (var thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        }
    }

    private void ask(Random random) {
        while (!ended) {
            ask(questions.get(random.nextInt(questions.size())), random);
            ChaosFault.pause(random, 100);
        }
    }

    private void ask(Question question, Random random) {
        var urls = cluster.urls();
        int at = random.nextInt(urls.size());
        var last = "";
        for (int attempt = 0; attempt < MOST_TRIES; attempt++) {
            try {
                var text = stream(urls.get((at + attempt) % urls.size()), question.body());
                answered.incrementAndGet();
                compare(question, text);
                return;
            } catch (IOException e) {
                last = e.toString();
                again.incrementAndGet();
                LockSupport.parkNanos(PAUSE.toNanos());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            } catch (BenchException e) {
                wrong.add(String.valueOf(e.getMessage()));
                return;
            }
        }
        wrong.add("%d tries failed, the last one with %s".formatted(MOST_TRIES, last));
    }

    private void compare(Question question, String text) {
        if (!text.equals(question.text())) {
            wrong.add(
                    "'%s' instead of '%s', whose token was likelier by %.3f where they part"
                            .formatted(
                                    text,
                                    question.text(),
                                    SoakConversation.lead(question.answer(), text)));
        }
    }

    /**
     * @throws IOException if the connection breaks, or the server asks to come again
     * @throws BenchException if the request fails
     */
    private String stream(URI frontend, String body) throws IOException, InterruptedException {
        var asked = ((ObjectNode) JsonMapper.shared().readTree(body)).put("stream", true);
        var response =
                cluster.http()
                        .send(
                                HttpRequest.newBuilder(frontend.resolve("/v1/chat/completions"))
                                        .timeout(TIMEOUT)
                                        .header("content-type", "application/json")
                                        .POST(HttpRequest.BodyPublishers.ofString(asked.toString()))
                                        .build(),
                                HttpResponse.BodyHandlers.ofInputStream());
        try (var lines =
                new BufferedReader(
                        new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            int status = response.statusCode();
            if (status != 200) {
                var said = "status %d: %s".formatted(status, lines.readLine());
                if (status == 429 || status >= 500) {
                    throw new IOException(said);
                }
                throw new BenchException(said);
            }
            return read(lines);
        }
    }

    private static String read(BufferedReader lines) throws IOException {
        var text = new StringBuilder();
        for (var line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.equals("data: [DONE]")) {
                return text.toString();
            }
            if (line.startsWith("data: {")) {
                var event = JsonMapper.shared().readTree(line.substring(6));
                if (event.has("error")) {
                    throw new BenchException("the answer ended with " + line);
                }
                text.append(event.at("/choices/0/delta/content").asString(""));
            }
        }
        throw new IOException("the answer broke off");
    }
}
