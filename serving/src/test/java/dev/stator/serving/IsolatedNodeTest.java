package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.engine.SamplingOptions;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.Platform;
import dev.stator.engine.process.JavaCommand;
import dev.stator.engine.process.ProcessEngine;
import dev.stator.engine.process.ProcessOptions;
import dev.stator.engine.process.WorkerProcess;
import dev.stator.routing.Mode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Workers in processes of their own, which are killed while they compute. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class IsolatedNodeTest {
    /** Nobody waits for a process that dies again and again, but the test. */
    private static final Reopening.BackOff SOON =
            new Reopening.BackOff(
                    Duration.ofMillis(20), Duration.ofMillis(50), Duration.ofMinutes(1));

    private static final int KILLS = 24;
    private static final int ANSWER = 30;

    private static final List<String> NAMES =
            List.of("Old Heron Cafe", "Velmora Bakery", "Cedar Museum", "Lark Garden");
    private static final String HEAD =
            """
            <|im_start|>system
            Answer from the documents only and cite the source.<|im_end|>
            <|im_start|>user
            """;
    private static final String DOCUMENT =
            """
            [doc %d] %s
            The number of people who work at %s is %d. A ticket for %s costs %d dollars.
            """;
    private static final String QUESTION =
            """
            Question: What does a ticket for %s cost?<|im_end|>
            <|im_start|>assistant
            """;

    @TempDir Path folder;
    private ProcessEngine engine;
    private LlamaEngine inProcess;

    /** Computes everything itself, in one process, one request after the other. */
    private NodeFabric reference;

    @BeforeAll
    void load() {
        inProcess = DemoNode.engine();
        reference = NodeFabric.start(inProcess, DemoNode.options(Mode.AGGREGATED, 0, 1, 0, folder));
        engine =
                ProcessEngine.load(
                        new ProcessOptions(
                                LlamaOptions.of(
                                        DemoNode.DEMO.resolve("model.gguf"),
                                        Platform.libraries(
                                                Path.of(System.getProperty("stator.natives")))),
                                JavaCommand.running(WorkerProcess.class),
                                Duration.ofSeconds(2)));
    }

    @AfterAll
    void close() {
        engine.close();
        reference.close();
        inProcess.close();
    }

    private NodeFabric node(Mode mode, int prefill, int decode) {
        return NodeFabric.start(
                engine, DemoNode.options(mode, prefill, decode, 64 * DemoNode.MIB, folder), SOON);
    }

    @Test
    void answersAreThoseOfANodeInOneProcess() throws Exception {
        var prompts = prompts(1, 12);
        var expected = answers(reference, prompts, 24);
        try (var node = node(Mode.DISAGGREGATED, 1, 2)) {
            assertThat(node.stats().workers())
                    .extracting(worker -> worker.process().isPresent())
                    .containsOnly(true);
            assertThat(answers(node, prompts, 24)).isEqualTo(expected);
            assertThat(answers(node, prompts, 24)).isEqualTo(expected);
            assertQuiet(node);
        }
    }

    @Test
    void whereverAProcessIsKilledNoAnswerChangesAndNothingStays() throws Exception {
        var random = new Random(11);
        try (var node = node(Mode.AUTO, 1, 2)) {
            var prompts = prompts(1000, 8);
            var expected = answers(reference, prompts, ANSWER);
            for (int round = 0; round < KILLS / 2; round++) {
                // Nothing that earlier rounds computed is found in this one.
                var salt = "round " + round;
                var running = new ArrayList<Collected>();
                for (int[] prompt : prompts) {
                    running.add(start(node, prompt, ANSWER, salt));
                }
                // Twice in a round: some prompts are computed, some answers run.
                for (int kill = 0; kill < 2; kill++) {
                    TimeUnit.MICROSECONDS.sleep(random.nextInt(150_000));
                    killOne(node, random);
                    awaitTokens(running);
                }
                assertThat(tokens(running)).as("round %d", round).isEqualTo(expected);
                awaitAll(node);
                // Now from the cache that the killed ones left.
                var again = new ArrayList<Collected>();
                for (int[] prompt : prompts) {
                    again.add(start(node, prompt, ANSWER, salt));
                }
                assertThat(tokens(again)).as("round %d", round).isEqualTo(expected);
                assertQuiet(node);
            }
            long losses = node.stats().workers().stream().mapToLong(w -> w.losses()).sum();
            assertThat(losses).isGreaterThan(KILLS / 2);
        }
    }

    /** Two deaths without a token between them would be the request's own fault. */
    private static void awaitTokens(List<Collected> running) throws InterruptedException {
        var before = running.stream().map(Collected::heard).toList();
        for (int i = 0; i < running.size(); i++) {
            while (running.get(i).heard() == before.get(i) && !running.get(i).end.isDone()) {
                TimeUnit.MILLISECONDS.sleep(1);
            }
        }
    }

    @Test
    void theOnlyWorkerIsWaitedFor() throws Exception {
        try (var node = node(Mode.AUTO, 0, 1)) {
            int[] prompt = prompt(5, 5);
            var expected = answers(node, List.of(prompt), 60);
            var again = start(node, prompt, 60);
            var cancelled = start(node, prompt(6, 7), 60);
            while (again.tokens.size() < 5) {
                TimeUnit.MILLISECONDS.sleep(1);
            }
            kill(node, "decode-0", "KILL");
            var late = start(node, prompt(7, 1), 8);
            assertThat(again.await().reason()).isEqualTo(FinishReason.LENGTH);
            assertThat(again.tokens).isEqualTo(expected.getFirst());
            assertThat(late.await().account().decodeWorker()).isEqualTo("decode-0");
            cancelled.await();
            assertThat(again.await().account().generated())
                    .isEqualTo(expected.getFirst().stream().mapToInt(i -> i).toArray());
            assertThat(
                            again.await().account().promptTokensBySource().values().stream()
                                    .mapToInt(i -> i)
                                    .sum())
                    .isEqualTo(prompt.length);
            assertQuiet(node);
        }
    }

    @Test
    void aRequestCanBeCancelledWhileThereIsNoWorker() throws Exception {
        try (var node =
                NodeFabric.start(
                        engine,
                        DemoNode.options(Mode.AUTO, 0, 1, 64 * DemoNode.MIB, folder),
                        new Reopening.BackOff(
                                Duration.ofMinutes(1),
                                Duration.ofMinutes(1),
                                Duration.ofDays(1)))) {
            kill(node, "decode-0", "KILL");
            awaitLosses(node, 1);
            awaitAll(node);
            var collected = new Collected();
            var admitted =
                    (Admission.Admitted)
                            node.submit(DemoNode.request(prompt(8, 5), 500), collected);
            while (collected.tokens.size() < 3) {
                TimeUnit.MILLISECONDS.sleep(1);
            }
            kill(node, "decode-0", "KILL");
            awaitLosses(node, 2);
            admitted.cancel();
            assertThat(collected.await().reason()).isEqualTo(FinishReason.CANCELLED);
        }
    }

    @Test
    void aFrozenProcessIsReplaced() throws Exception {
        try (var node = node(Mode.AUTO, 1, 2)) {
            var prompts = prompts(77, 6);
            var expected = answers(node, prompts, 60);
            var running = new ArrayList<Collected>();
            for (int[] prompt : prompts) {
                running.add(start(node, prompt, 60));
            }
            kill(node, "decode-0", "STOP");
            kill(node, "decode-1", "STOP");
            for (int i = 0; i < prompts.size(); i++) {
                running.get(i).await();
                assertThat(running.get(i).tokens).isEqualTo(expected.get(i));
            }
            assertThat(node.stats().workers().stream().mapToLong(w -> w.losses()).sum())
                    .isEqualTo(2);
            awaitAll(node);
            assertQuiet(node);
        }
    }

    @Test
    void aRequestThatKillsTwoProcessesIsRefusedAndThoseBesideItAreNot() throws Exception {
        int[] deadly = prompt(22, 25);
        int poison = engine.tokenizer().encode("\u00a7", false, false)[0];
        deadly[deadly.length / 2] = poison;
        var prompts = prompts(21, 6);
        var expected = answers(reference, prompts, 200);
        try (var node =
                NodeFabric.start(
                        Poison.in(engine, poison),
                        DemoNode.options(Mode.AGGREGATED, 0, 2, 64 * DemoNode.MIB, folder),
                        SOON)) {
            var running = new ArrayList<Collected>();
            for (int[] prompt : prompts) {
                running.add(start(node, prompt, 200));
            }
            while (running.stream().anyMatch(each -> each.tokens.isEmpty())) {
                TimeUnit.MILLISECONDS.sleep(1);
            }
            assertThatThrownBy(start(node, deadly, 8)::await)
                    .hasMessageContaining("2 processes of the engine died")
                    .hasMessageContaining("signal 9");
            assertThat(tokens(running)).isEqualTo(expected);
            assertThat(node.stats().workers().stream().mapToLong(w -> w.losses()).sum())
                    .isEqualTo(2);
            assertThatThrownBy(start(node, deadly, 8)::await)
                    .hasMessageContaining("not tried again for 10 minutes");
            awaitAll(node);
            assertThat(start(node, prompt(23, 25), 8).await().reason())
                    .isEqualTo(FinishReason.LENGTH);
            assertQuiet(node);
        }
    }

    private static void killOne(NodeFabric node, Random random) {
        var workers = node.stats().workers();
        workers.get(random.nextInt(workers.size()))
                .process()
                .ifPresent(pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
    }

    private static void kill(NodeFabric node, String worker, String signal) throws Exception {
        var pid =
                node.stats().workers().stream()
                        .filter(its -> its.id().equals(worker))
                        .findFirst()
                        .orElseThrow()
                        .process()
                        .orElseThrow();
        assertThat(new ProcessBuilder("kill", "-" + signal, Long.toString(pid)).start().waitFor())
                .isZero();
    }

    private static void awaitLosses(NodeFabric node, int losses) throws Exception {
        while (node.stats().workers().stream().mapToLong(w -> w.losses()).sum() < losses) {
            TimeUnit.MILLISECONDS.sleep(1);
        }
    }

    private static void awaitAll(NodeFabric node) throws Exception {
        while (node.stats().workers().stream().anyMatch(w -> w.process().isEmpty())) {
            TimeUnit.MILLISECONDS.sleep(1);
        }
    }

    private static List<List<Integer>> tokens(List<Collected> answers) throws Exception {
        var tokens = new ArrayList<List<Integer>>();
        for (var answer : answers) {
            answer.await();
            tokens.add(answer.tokens);
        }
        return tokens;
    }

    private static List<List<Integer>> answers(NodeFabric node, List<int[]> prompts, int tokens)
            throws Exception {
        var answers = new ArrayList<List<Integer>>();
        for (int[] prompt : prompts) {
            var answer = start(node, prompt, tokens);
            answer.await();
            answers.add(answer.tokens);
        }
        return answers;
    }

    private static Collected start(NodeFabric node, int[] prompt, int tokens) {
        return start(node, prompt, tokens, "");
    }

    private static Collected start(NodeFabric node, int[] prompt, int tokens, String salt) {
        var collected = new Collected();
        assertThat(
                        node.submit(
                                new GenerationRequest(
                                        "test",
                                        prompt,
                                        tokens,
                                        SamplingOptions.GREEDY,
                                        List.of(),
                                        Set.of(),
                                        true,
                                        salt),
                                collected))
                .isInstanceOf(Admission.Admitted.class);
        return collected;
    }

    /** Nobody computes, waits, has a claim or a pin, and the host tier contradicts nothing. */
    private static void assertQuiet(NodeFabric node) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (busy(node) && System.nanoTime() < deadline) {
            TimeUnit.MILLISECONDS.sleep(5);
        }
        assertThat(busy(node)).as("%s", node.stats()).isFalse();
        assertThat(node.cache().orElseThrow().verify()).isEmpty();
    }

    private static boolean busy(NodeFabric node) {
        var stats = node.stats();
        return stats.workers().stream().anyMatch(w -> w.running() > 0 || w.waiting() > 0)
                || List.of("blocks_pinned", "blocks_claimed", "blocks_writing", "leases").stream()
                        .anyMatch(gauge -> stats.cache().getOrDefault(gauge, 0L) > 0);
    }

    /** Questions about documents, of which some are the same: the model is sure of its answers. */
    private List<int[]> prompts(int seed, int count) {
        var prompts = new ArrayList<int[]>();
        for (int i = 0; i < count; i++) {
            prompts.add(prompt(seed, new Random(1000 * seed + i).nextInt(1, 9)));
        }
        return prompts;
    }

    /** About 60 tokens a document. */
    private int[] prompt(int seed, int documents) {
        var random = new Random(seed);
        var text = new StringBuilder(HEAD);
        var asked = "";
        for (int i = 1; i <= documents; i++) {
            asked = NAMES.get(random.nextInt(NAMES.size())) + " " + i;
            text.append(
                    DOCUMENT.formatted(
                            i,
                            asked,
                            asked,
                            random.nextInt(100, 900),
                            asked,
                            random.nextInt(100, 900)));
        }
        text.append(QUESTION.formatted(asked));
        return engine.tokenizer().encode(text.toString(), true, true);
    }
}
