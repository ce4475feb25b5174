package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.disk.DiskTier;
import dev.stator.cache.disk.SlowDisk;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.routing.Mode;
import dev.stator.routing.index.Tier;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Requests to a node whose disk becomes slow, hangs, and recovers. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class SlowDiskTest {
    private static final long BLOCK_BYTES = 61_440;
    private static final int PROMPT = 250;
    private static final int PROMPTS = 8;

    /** Longer than any test. */
    private static final Duration FOR_EVER = Duration.ofMinutes(10);

    /** What ends a wait that should have been for a fraction of it. */
    private static final double MUCH_TOO_LONG_MILLIS = 30_000;

    /** What a disk that hangs may catch: two promotions of those served, one of those who wait. */
    private static final int LANES = 3;

    private LlamaEngine engine;
    private final SlowDisk slow = new SlowDisk();
    private int next;

    @BeforeAll
    void load() {
        engine = DemoNode.engine();
    }

    @AfterAll
    void close() {
        engine.close();
    }

    private NodeFabric node(Path folder, long hostBlocks, NodeFabric.Disks disks) {
        var options =
                new NodeOptions(
                                Mode.AGGREGATED,
                                0,
                                1,
                                2048,
                                4096,
                                4096,
                                1,
                                32,
                                512,
                                2,
                                15,
                                hostBlocks * BLOCK_BYTES,
                                folder.resolve("host"),
                                64)
                        .withDiskCache(DiskCache.of(folder.resolve("disk"), 64 << 20));
        return NodeFabric.start(engine, options, Reopening.BackOff.USUAL, disks);
    }

    private static Collected ask(NodeFabric node, int seed) throws Exception {
        int[] prompt = new Random(seed).ints(PROMPT, 300, 1500).toArray();
        var collected = new Collected();
        assertThat(node.submit(DemoNode.request(prompt, 8), collected))
                .isInstanceOf(Admission.Admitted.class);
        collected.await();
        return collected;
    }

    /** Answers that were computed without anything cached; their prompts are on disk afterwards. */
    private List<List<Integer>> store(Path folder) throws Exception {
        var answers = new ArrayList<List<Integer>>();
        try (var node = node(folder, 1000, DiskTier::open)) {
            for (int seed = 0; seed < PROMPTS; seed++) {
                answers.add(ask(node, seed).tokens);
            }
        }
        return answers;
    }

    /** The prompts one after the other, as the host tier has no room for all of them. */
    private Account askNext(NodeFabric node, List<List<Integer>> expected) throws Exception {
        int seed = next++ % PROMPTS;
        var answer = ask(node, seed);
        assertThat(answer.tokens).isEqualTo(expected.get(seed));
        return answer.await().account();
    }

    private static boolean isPlanned(Account account) {
        return account.routed().orElseThrow().decision().plan().supply().sources().stream()
                .anyMatch(source -> source.place().tier() == Tier.DISK);
    }

    private static int fromDisk(Account account) {
        return account.promptTokensBySource().getOrDefault("disk", 0);
    }

    private static double late(NodeFabric node) {
        return node.stats().disk().getOrDefault("late", -1.0);
    }

    /**
     * @param rounds over all prompts while the disk is fast: after many the router is sure of it
     * @param seconds that a read takes; 0: it hangs
     */
    @ParameterizedTest(name = "after {0} rounds, reads of {1} s")
    @CsvSource({"1, 0", "8, 0", "8, 2"})
    void aSlowDiskCostsItsPatienceAFewTimesAndIsUsedAgainWhenItIsFast(
            int rounds, int seconds, @TempDir Path folder) throws Exception {
        var expected = store(folder);
        // Recovers before the node ends, so that a failure is told.
        try (var node = node(folder, 30, slow::open);
                AutoCloseable _ = slow::recover) {
            int tokens = 0;
            for (int i = 0; i < rounds * PROMPTS; i++) {
                tokens += fromDisk(askNext(node, expected));
            }
            assertThat(tokens).isGreaterThan(rounds * PROMPT);
            assertThat(late(node)).isZero();

            slow.slowDown(seconds == 0 ? FOR_EVER : Duration.ofSeconds(seconds));
            var accounts = new ArrayList<Account>();
            for (int i = 0; i < 3 * PROMPTS; i++) {
                accounts.add(askNext(node, expected));
            }
            assertThat(late(node)).isBetween(1.0, (double) LANES);
            assertThat(accounts).allMatch(account -> fromDisk(account) == 0);
            assertThat(accounts)
                    .allMatch(
                            account ->
                                    account.stageMillis().getOrDefault("disk", 0.0)
                                            < MUCH_TOO_LONG_MILLIS);
            assertThat(accounts.stream().filter(one -> one.stageMillis().containsKey("disk")))
                    .as("who waited for it")
                    .hasSizeLessThanOrEqualTo(LANES);
            assertThat(accounts.subList(PROMPTS, 3 * PROMPTS))
                    .as("the router counts on it no longer")
                    .noneMatch(SlowDiskTest::isPlanned);
            assertThat(node.stats().disk()).containsEntry("readable", 1.0);

            slow.recover();
            // Not only for those who wait, who try it in any case.
            boolean planned = false;
            for (int i = 0; i < 25 * PROMPTS && !planned; i++) {
                planned = isPlanned(askNext(node, expected));
            }
            assertThat(planned).as("the router counts on it again").isTrue();
            assertThat(late(node)).isLessThanOrEqualTo(LANES);
            for (var state : List.of("blocks_pinned", "blocks_claimed", "leases")) {
                assertThat(node.stats().cache()).containsEntry(state, 0L);
            }
        }
    }

    @Test
    void aNodeEndsWhileItsDiskHangs(@TempDir Path folder) throws Exception {
        var expected = store(folder);
        try (var node = node(folder, 30, slow::open)) {
            slow.slowDown(FOR_EVER);
            int before = slow.reads();
            for (int i = 0; i < 2 * PROMPTS; i++) {
                askNext(node, expected);
            }
            assertThat(slow.reads()).isGreaterThan(before);
        } finally {
            slow.recover();
        }
        // What was on disk still is.
        try (var node = node(folder, 30, DiskTier::open)) {
            assertThat(fromDisk(askNext(node, expected))).isPositive();
        }
    }
}
