package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.engine.SamplingOptions;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.routing.Mode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class NodeFabricTest {
    private static final int MIB = 1 << 20;

    @TempDir Path folder;
    private LlamaEngine engine;

    @BeforeAll
    void load() {
        engine = DemoNode.engine();
    }

    @AfterAll
    void close() {
        engine.close();
    }

    @Test
    void splitAndAggregatedAnswersAreTheSameAndASecondTimeNothingIsComputed() throws Exception {
        int[] prompt = prompt(1, 500);
        List<Integer> expected;
        try (var node = node(Mode.AGGREGATED, 0, 1, 0)) {
            var answer = generate(node, prompt, 24);
            expected = answer.tokens;
            assertThat(answer.await().account().promptTokensBySource())
                    .containsEntry("computed", 500);
        }
        try (var node = node(Mode.DISAGGREGATED, 1, 1, 64 * MIB)) {
            var first = generate(node, prompt, 24);
            assertThat(first.tokens).isEqualTo(expected);
            var account = first.await().account();
            assertThat(account.plan()).isEqualTo("split");
            assertThat(account.prefillWorker()).isEqualTo("prefill-0");
            assertThat(account.decodeWorker()).isEqualTo("decode-0");
            assertThat(account.promptTokensBySource()).containsEntry("computed", 500);
            var routed = account.routed().orElseThrow();
            assertThat(node.decision(routed.decision().request().id()).orElseThrow().decision())
                    .isSameAs(routed.decision());
            assertThat(routed.decision().candidates()).isNotEmpty();
            assertThat(routed.actual().orElseThrow().firstTokenMillis())
                    .isPositive()
                    .isLessThanOrEqualTo(account.stageMillis().get("first_token"));
            var second = generate(node, prompt, 24);
            assertThat(second.tokens).isEqualTo(expected);
            assertThat(second.await().account().promptTokensBySource())
                    .containsEntry("computed", 1)
                    .containsEntry("device", 499);
            assertQuiet(node);
        }
    }

    @Test
    void whatOneDecodeWorkerGeneratedAnotherOnboards() throws Exception {
        // One answer at a time per worker: the second of two cannot go where the conversation lies.
        try (var node =
                NodeFabric.start(
                        engine,
                        new NodeOptions(
                                Mode.AUTO, 1, 2, 2048, 4096, 4096, 1, 32, 512, 2, 15, 64L * MIB,
                                folder, 64))) {
            int[] prompt = prompt(2, 300);
            var first = generate(node, prompt, 100);
            int[] next = append(prompt, first.tokens, prompt(3, 20));
            var two = start(node, DemoNode.request(next, 200));
            var other = start(node, DemoNode.request(next, 200));
            assertThat(two.await().account().decodeWorker())
                    .isNotEqualTo(other.await().account().decodeWorker());
            assertThat(two.tokens).isEqualTo(other.tokens);
            for (var answer : List.of(two, other)) {
                assertThat(
                                answer.await()
                                        .account()
                                        .promptTokensBySource()
                                        .getOrDefault("computed", 0))
                        // All that is known but the answer's last token, which nobody has computed.
                        .isLessThanOrEqualTo(420 - 399);
            }
            assertQuiet(node);
        }
    }

    @Test
    void theSameNewPrefixIsComputedOnce() throws Exception {
        try (var node = node(Mode.AUTO, 2, 2, 64 * MIB)) {
            int[] shared = prompt(4, 640);
            var answers = new ArrayList<Collected>();
            for (int i = 0; i < 8; i++) {
                answers.add(
                        start(
                                node,
                                DemoNode.request(
                                        append(shared, List.of(), prompt(100 + i, 10)), 8)));
            }
            int computed = 0;
            for (var answer : answers) {
                computed +=
                        answer.await().account().promptTokensBySource().getOrDefault("computed", 0);
            }
            assertThat(computed).isLessThanOrEqualTo(640 + 8 * 10);
            assertQuiet(node);
        }
    }

    @Test
    void everyShapeOfNodeGivesTheSameAnswersUnderLoad() throws Exception {
        var random = new Random(5);
        var prompts = new ArrayList<int[]>();
        int[] common = prompt(6, 200);
        for (int i = 0; i < 24; i++) {
            prompts.add(
                    append(
                            Arrays.copyOf(common, random.nextInt(1, 200)),
                            List.of(),
                            prompt(1000 + i, random.nextInt(1, 120))));
        }
        var expected = new ArrayList<List<Integer>>();
        try (var node = node(Mode.AGGREGATED, 0, 1, 0)) {
            for (int[] prompt : prompts) {
                expected.add(generate(node, prompt, 16).tokens);
            }
        }
        for (var mode : Mode.values()) {
            try (var node = node(mode, 2, 2, 8 * MIB)) {
                var answers = new ArrayList<Collected>();
                prompts.forEach(prompt -> answers.add(start(node, DemoNode.request(prompt, 16))));
                int same = 0;
                for (int i = 0; i < answers.size(); i++) {
                    answers.get(i).await();
                    same += answers.get(i).tokens.equals(expected.get(i)) ? 1 : 0;
                    assertThat(
                                    answers
                                            .get(i)
                                            .await()
                                            .account()
                                            .promptTokensBySource()
                                            .values()
                                            .stream()
                                            .mapToInt(n -> n)
                                            .sum())
                            .isEqualTo(prompts.get(i).length);
                }
                // Random tokens make near-ties; another batch split may flip one (see FidelityIT).
                // Reuse gone wrong would flip nearly all.
                assertThat(same).isGreaterThanOrEqualTo(prompts.size() - 4);
                assertQuiet(node);
            }
        }
    }

    @Test
    void aFullHostTierCostsTimeNotAnswers() throws Exception {
        int[] prompt = prompt(7, 1500);
        List<Integer> expected;
        try (var node = node(Mode.AGGREGATED, 0, 1, 0)) {
            expected = generate(node, prompt, 8).tokens;
        }
        // Ten blocks of 61,440 bytes: the prompt has 47.
        try (var node = node(Mode.DISAGGREGATED, 1, 1, 10 * 61_440)) {
            assertThat(generate(node, prompt, 8).tokens).isEqualTo(expected);
            assertThat(generate(node, prompt(8, 1500), 8).tokens).hasSize(8);
            assertQuiet(node);
        }
    }

    @Test
    void tenantsDoNotShare() throws Exception {
        try (var node = node(Mode.AUTO, 1, 1, 64 * MIB)) {
            int[] prompt = prompt(9, 300);
            generate(node, prompt, 4);
            var other =
                    new GenerationRequest(
                            "other",
                            prompt,
                            4,
                            SamplingOptions.GREEDY,
                            List.of(),
                            Set.of(),
                            true,
                            "tenant b");
            assertThat(start(node, other).await().account().promptTokensBySource())
                    .containsEntry("computed", 300);
        }
    }

    @Test
    void cancellingStopsSoonWhereverTheRequestIs() throws Exception {
        try (var node = node(Mode.AUTO, 1, 1, 64 * MIB)) {
            var running = new Collected();
            var admitted = new ArrayList<Admission.Admitted>();
            running.onFirst = java.util.Optional.of(() -> admitted.getFirst().cancel());
            synchronized (running) {
                admitted.add(
                        (Admission.Admitted)
                                node.submit(DemoNode.request(prompt(10, 100), 1900), running));
            }
            assertThat(running.await().reason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(running.tokens).hasSizeLessThan(100);
            var answers = new ArrayList<Collected>();
            var handles = new ArrayList<Admission.Admitted>();
            for (int i = 0; i < 40; i++) {
                var collected = new Collected();
                answers.add(collected);
                handles.add(
                        (Admission.Admitted)
                                node.submit(
                                        DemoNode.request(prompt(20 + i, 1000), 1000), collected));
            }
            handles.forEach(Admission.Admitted::cancel);
            for (var answer : answers) {
                assertThat(answer.await().reason())
                        .isIn(FinishReason.CANCELLED, FinishReason.STOP, FinishReason.LENGTH);
            }
            assertQuiet(node);
        }
    }

    @Test
    void aFullQueueSheds() throws Exception {
        try (var node =
                NodeFabric.start(
                        engine,
                        new NodeOptions(
                                Mode.AUTO, 0, 1, 2048, 2048, 2048, 1, 32, 512, 2, 15, 0, folder,
                                2))) {
            var answers = new ArrayList<Collected>();
            int shed = 0;
            for (int i = 0; i < 10; i++) {
                var collected = new Collected();
                switch (node.submit(ignoringEnd(prompt(30 + i, 50), 300), collected)) {
                    case Admission.Admitted _ -> answers.add(collected);
                    case Admission.Shed refused -> {
                        shed++;
                        assertThat(refused.retryAfterSeconds()).isBetween(1, 60);
                        assertThat(refused.reason()).contains("queue");
                    }
                }
            }
            assertThat(shed).isGreaterThanOrEqualTo(6);
            for (var answer : answers) {
                assertThat(answer.await().reason()).isEqualTo(FinishReason.LENGTH);
            }
            node.drain();
            assertThat(node.submit(DemoNode.request(prompt(1, 5), 5), new Collected()))
                    .isInstanceOf(Admission.Shed.class);
        }
    }

    @Test
    void aStepMayBeShorterThanThereAreSequences() throws Exception {
        try (var node =
                NodeFabric.start(
                        engine,
                        new NodeOptions(
                                Mode.AGGREGATED,
                                0,
                                1,
                                1024,
                                1024,
                                1024,
                                16,
                                32,
                                16,
                                2,
                                15,
                                0,
                                folder,
                                8))) {
            var collected = new Collected();
            node.submit(ignoringEnd(prompt(3, 50), 20), collected);
            assertThat(collected.await().reason()).isEqualTo(FinishReason.LENGTH);
        }
    }

    @Test
    void tooLittleDeviceMemoryPreemptsAndGoesOn() throws Exception {
        try (var roomy = node(Mode.AGGREGATED, 0, 1, 64 * MIB);
                var tight =
                        NodeFabric.start(
                                engine,
                                new NodeOptions(
                                        Mode.AGGREGATED,
                                        0,
                                        1,
                                        1024,
                                        1024,
                                        1024,
                                        8,
                                        32,
                                        512,
                                        2,
                                        15,
                                        64L * MIB,
                                        folder,
                                        64))) {
            var expected = new ArrayList<Collected>();
            var actual = new ArrayList<Collected>();
            // One node after the other: two would spin on more threads than there are cores.
            for (int i = 0; i < 6; i++) {
                expected.add(start(roomy, ignoringEnd(prompt(40 + i, 60), 500)));
            }
            for (var answer : expected) {
                answer.await();
            }
            for (int i = 0; i < 6; i++) {
                actual.add(start(tight, ignoringEnd(prompt(40 + i, 60), 500)));
            }
            for (int i = 0; i < 6; i++) {
                assertThat(actual.get(i).await().reason()).isEqualTo(FinishReason.LENGTH);
                assertThat(actual.get(i).tokens).hasSize(500);
                assertThat(actual.get(i).tokens.subList(0, 40))
                        .isEqualTo(expected.get(i).tokens.subList(0, 40));
            }
            assertQuiet(tight);
        }
    }

    @Test
    void badRequestsAreRefusedBeforeTheyCost() {
        try (var node = node(Mode.AUTO, 1, 1, 8 * MIB)) {
            assertThatThrownBy(() -> start(node, DemoNode.request(new int[0], 5)))
                    .hasMessageContaining("empty");
            assertThatThrownBy(() -> start(node, DemoNode.request(prompt(1, 2000), 100)))
                    .hasMessageContaining("exceed the context");
            assertThatThrownBy(() -> start(node, DemoNode.request(new int[] {99_999}, 5)))
                    .hasMessageContaining("token 99999");
        }
    }

    @Test
    void stopStringsEndTheAnswerAndAreNotShown() throws Exception {
        try (var node = node(Mode.AUTO, 1, 1, 8 * MIB)) {
            var text =
                    """
                    <|im_start|>system
                    Answer from the documents only and cite the source.<|im_end|>
                    <|im_start|>user
                    [doc 1] Old Heron Cafe
                    The number of people who work at Old Heron Cafe is 384. A ticket for Old Heron Cafe costs 174 dollars.
                    Question: What does a ticket for Old Heron Cafe cost?<|im_end|>
                    <|im_start|>assistant
                    """;
            int[] prompt = engine.tokenizer().encode(text, true, true);
            var stopping =
                    new GenerationRequest(
                            "stop",
                            prompt,
                            50,
                            SamplingOptions.GREEDY,
                            List.of("174 dol"),
                            Set.of(),
                            false,
                            "");
            var ended = start(node, stopping).await();
            assertThat(ended.text()).isEqualTo("A ticket for Old Heron Cafe costs ");
            assertThat(ended.reason()).isEqualTo(FinishReason.STOP);
            assertThat(generate(node, prompt, 50).await().text())
                    .isEqualTo("A ticket for Old Heron Cafe costs 174 dollars [doc 1].");
        }
    }

    private NodeFabric node(Mode mode, int prefill, int decode, long hostBytes) {
        return NodeFabric.start(engine, DemoNode.options(mode, prefill, decode, hostBytes, folder));
    }

    private static GenerationRequest ignoringEnd(int[] prompt, int maxTokens) {
        return new GenerationRequest(
                "test", prompt, maxTokens, SamplingOptions.GREEDY, List.of(), Set.of(), true, "");
    }

    private static Collected start(NodeFabric node, GenerationRequest request) {
        var collected = new Collected();
        assertThat(node.submit(request, collected)).isInstanceOf(Admission.Admitted.class);
        return collected;
    }

    private static Collected generate(NodeFabric node, int[] prompt, int maxTokens)
            throws Exception {
        var collected = start(node, DemoNode.request(prompt, maxTokens));
        collected.await();
        return collected;
    }

    private static int[] prompt(int seed, int length) {
        return new Random(seed).ints(length, 300, 1500).toArray();
    }

    private static int[] append(int[] head, List<Integer> middle, int[] tail) {
        int[] all = Arrays.copyOf(head, head.length + middle.size() + tail.length);
        for (int i = 0; i < middle.size(); i++) {
            all[head.length + i] = middle.get(i);
        }
        System.arraycopy(tail, 0, all, head.length + middle.size(), tail.length);
        return all;
    }

    /** Nothing is left behind: no pinned or claimed block, no running sequence. */
    private static void assertQuiet(NodeFabric node) throws InterruptedException {
        for (int i = 0; i < 200; i++) {
            var stats = node.stats();
            boolean quiet =
                    stats.workers().stream()
                                    .allMatch(
                                            worker ->
                                                    worker.running() == 0
                                                            && worker.cellsUsed() == 0)
                            && stats.cache().getOrDefault("blocks_pinned", 0L) == 0
                            && stats.cache().getOrDefault("blocks_claimed", 0L) == 0
                            && stats.cache().getOrDefault("leases", 0L) == 0;
            if (quiet) {
                return;
            }
            Thread.sleep(20);
        }
        assertThat(node.stats()).as("left behind").isNull();
    }
}
