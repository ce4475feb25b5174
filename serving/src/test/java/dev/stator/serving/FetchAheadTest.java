package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.engine.llama.LlamaEngine;
import dev.stator.routing.Mode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Requests that wait for their turn while their blocks come from the disk. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class FetchAheadTest {
    private static final long BLOCK_BYTES = 61_440;
    private static final int PROMPT = 250;

    /** Of one prompt. */
    private static final int BLOCKS = 8;

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

    /** One answer at a time. */
    private NodeFabric node(long hostBlocks) {
        return NodeFabric.start(
                engine,
                new NodeOptions(
                                Mode.AGGREGATED,
                                0,
                                1,
                                8192,
                                8192,
                                8192,
                                1,
                                32,
                                512,
                                2,
                                15,
                                hostBlocks * BLOCK_BYTES,
                                folder.resolve("host"),
                                64)
                        .withDiskCache(DiskCache.of(folder.resolve("disk"), 64 << 20)));
    }

    private static Collected ask(NodeFabric node, int seed, int maxTokens) {
        int length = maxTokens > 100 ? 20 : PROMPT;
        int[] prompt = new Random(seed).ints(length, 300, 1500).toArray();
        var collected = new Collected();
        assertThat(node.submit(DemoNode.request(prompt, maxTokens), collected))
                .isInstanceOf(Admission.Admitted.class);
        return collected;
    }

    private List<List<Integer>> store(int prompts) throws Exception {
        var answers = new ArrayList<List<Integer>>();
        try (var node = node(1000)) {
            for (int seed = 0; seed < prompts; seed++) {
                var answer = ask(node, seed, 8);
                answer.await();
                answers.add(answer.tokens);
            }
        }
        return answers;
    }

    private static Admission.Admitted blocker(NodeFabric node) throws Exception {
        var running = new CompletableFuture<Void>();
        var collected = new Collected();
        collected.onFirst = java.util.Optional.of(() -> running.complete(null));
        int[] prompt = new Random(-1).ints(20, 300, 1500).toArray();
        var request =
                new GenerationRequest(
                        "blocker",
                        prompt,
                        7900,
                        dev.stator.engine.SamplingOptions.GREEDY,
                        List.of(),
                        java.util.Set.of(),
                        true,
                        "");
        var admitted = (Admission.Admitted) node.submit(request, collected);
        running.get(60, TimeUnit.SECONDS);
        return admitted;
    }

    private static void awaitAhead(NodeFabric node, int blocks) throws InterruptedException {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (ahead(node) < blocks && System.nanoTime() < until) {
            Thread.sleep(5);
        }
        assertThat(ahead(node)).isEqualTo(blocks);
    }

    /** Blocks that are there and pinned. */
    private static long pinned(NodeFabric node) {
        return node.stats().cache().getOrDefault("blocks_pinned", -1L);
    }

    private static void awaitPinned(NodeFabric node, long blocks) throws InterruptedException {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        long pinned = pinned(node);
        for (; pinned != blocks && System.nanoTime() < until; pinned = pinned(node)) {
            Thread.sleep(5);
        }
        assertThat(pinned).isEqualTo(blocks);
    }

    private static double ahead(NodeFabric node) {
        return node.stats().disk().getOrDefault("promoted_ahead", -1.0);
    }

    @Test
    void whileARequestWaitsItsBlocksComeFromDisk() throws Exception {
        var expected = store(2);
        try (var node = node(200)) {
            var blocker = blocker(node);
            var first = ask(node, 0, 8);
            var second = ask(node, 1, 8);
            awaitAhead(node, 2 * BLOCKS);
            assertThat(first.tokens).as("still waits").isEmpty();
            blocker.cancel();
            for (var answer : List.of(first, second)) {
                var account = answer.await().account();
                assertThat(account.promptTokensBySource())
                        .containsEntry("disk", PROMPT - 1)
                        .containsEntry("computed", 1);
                assertThat(account.stageMillis().get("disk_ahead")).isPositive();
                assertThat(account.stageMillis())
                        .as("nothing is left to wait for")
                        .doesNotContainKey("disk");
            }
            assertThat(List.of(first.tokens, second.tokens)).isEqualTo(expected);
        }
    }

    @Test
    void onlyAPartOfTheHostTierIsFilledForThoseWhoWaitAndTheNextComeFirst() throws Exception {
        var expected = store(4);
        // A quarter is one prompt and four blocks of the next.
        try (var node = node(4 * (BLOCKS + 4))) {
            var blocker = blocker(node);
            var answers = new ArrayList<Collected>();
            for (int seed = 0; seed < 4; seed++) {
                answers.add(ask(node, seed, 8));
            }
            awaitAhead(node, BLOCKS + 4);
            assertThat(node.stats().cache().get("blocks_pinned"))
                    .as("theirs, and the prompt of the one that runs")
                    .isLessThanOrEqualTo(BLOCKS + 4 + 1L);
            blocker.cancel();
            for (int seed = 0; seed < 4; seed++) {
                answers.get(seed).await();
                assertThat(answers.get(seed).tokens).isEqualTo(expected.get(seed));
            }
            assertThat(node.stats().cache()).containsEntry("blocks_pinned", 0L);
            assertThat(node.stats().cache()).containsEntry("blocks_claimed", 0L);
        }
    }

    @Test
    void whoLeavesTheQueueLeavesNothingBehind() throws Exception {
        store(4);
        try (var node = node(200)) {
            var blocker = blocker(node);
            long before = pinned(node);
            var waiting = new ArrayList<Admission.Admitted>();
            for (int seed = 0; seed < 4; seed++) {
                int[] prompt = new Random(seed).ints(PROMPT, 300, 1500).toArray();
                waiting.add(
                        (Admission.Admitted)
                                node.submit(DemoNode.request(prompt, 8), new Collected()));
            }
            waiting.forEach(Admission.Admitted::cancel);
            awaitPinned(node, before);
            // Waits too, so that its blocks come near whatever the router would think of the disk.
            var last = ask(node, 3, 8);
            awaitPinned(node, before + BLOCKS);
            blocker.cancel();
            assertThat(last.await().account().promptTokensBySource()).containsEntry("computed", 1);
            assertThat(node.stats().cache()).containsEntry("blocks_pinned", 0L);
            assertThat(node.stats().cache()).containsEntry("blocks_claimed", 0L);
        }
    }
}
