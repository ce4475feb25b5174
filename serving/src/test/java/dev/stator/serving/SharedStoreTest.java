package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.remote.SharedKey;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.remote.RemoteStores;
import dev.stator.routing.Mode;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Nodes that reuse each other's prefill through a real redis-server. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class SharedStoreTest {
    private static final long MIB = 1 << 20;
    private static final int PROMPT = 500;

    private LlamaEngine engine;

    @BeforeAll
    void load() {
        engine = DemoNode.engine();
    }

    @AfterAll
    void close() {
        engine.close();
    }

    private NodeFabric node(RedisProcess redis, Path folder, Mode mode, CacheCodec codec) {
        return node(redis, folder, mode, codec, 1);
    }

    private NodeFabric node(
            RedisProcess redis, Path folder, Mode mode, CacheCodec codec, int keyNumber) {
        byte[] seed = new byte[32];
        seed[0] = (byte) keyNumber;
        var timeout = Duration.ofSeconds(2);
        return NodeFabric.start(
                engine,
                DemoNode.options(mode, mode == Mode.AGGREGATED ? 0 : 1, 1, 64 * MIB, folder)
                        .withRemoteCache(
                                new RemoteCache(
                                        RemoteStores.open(redis.url(), timeout),
                                        SharedKey.of(seed),
                                        codec,
                                        timeout,
                                        Duration.ofHours(1))));
    }

    private static int[] prompt(int seed) {
        return new Random(seed).ints(PROMPT, 300, 1500).toArray();
    }

    /**
     * As the store is looked into for a part of the time only that computing takes, any one prompt
     * may be computed though it is there; so several are asked for.
     *
     * @param seed one whose answers are nowhere a near tie, for the words are random: the likeliest
     *     token leads by 0.01 nats and more, where cutting prompts differently moves logits by
     *     0.001
     */
    private static List<int[]> prompts(int seed) {
        return IntStream.range(0, 6).mapToObj(i -> prompt(100 * seed + i)).toList();
    }

    private static Collected ask(NodeFabric node, int[] prompt) throws Exception {
        var collected = new Collected();
        assertThat(node.submit(DemoNode.request(prompt, 24), collected))
                .isInstanceOf(Admission.Admitted.class);
        collected.await();
        return collected;
    }

    private static List<Collected> askAll(NodeFabric node, List<int[]> prompts) throws Exception {
        // The node learns what computing costs.
        ask(node, prompt(9999));
        var answers = new ArrayList<Collected>();
        for (int[] prompt : prompts) {
            answers.add(ask(node, prompt));
        }
        return answers;
    }

    private static List<List<Integer>> tokens(List<Collected> answers) {
        return answers.stream().map(answer -> answer.tokens).toList();
    }

    /** All that a node has computed is in the store when it has been closed. */
    private List<List<Integer>> computeAndLeave(
            RedisProcess redis, Path folder, List<int[]> prompts) throws Exception {
        try (var node = node(redis, folder, Mode.AUTO, CacheCodec.RAW)) {
            await(node, "reachable", 1);
            var answers = askAll(node, prompts);
            for (var answer : answers) {
                assertThat(source(answer, "computed")).isEqualTo(PROMPT);
            }
            return tokens(answers);
        }
    }

    private static int source(Collected answer, String source) throws Exception {
        var sources = answer.await().account().promptTokensBySource();
        assertThat(sources.values().stream().mapToInt(n -> n).sum()).isEqualTo(PROMPT);
        return sources.getOrDefault(source, 0);
    }

    /** At least one prompt came from the store, and then all of it but its last token. */
    private static void assertReused(List<Collected> answers) throws Exception {
        int reused = 0;
        for (var answer : answers) {
            int remote = source(answer, "remote");
            assertThat(remote).isIn(0, PROMPT - 1);
            assertThat(source(answer, "computed")).isEqualTo(PROMPT - remote);
            if (remote > 0) {
                assertThat(answer.await().account().stageMillis().get("remote")).isPositive();
                reused++;
            }
        }
        assertThat(reused).isPositive();
    }

    private static void await(NodeFabric node, String stat, double least) throws Exception {
        for (int i = 0; i < 3000 && node.stats().remote().getOrDefault(stat, 0.0) < least; i++) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
        assertThat(node.stats().remote().getOrDefault(stat, 0.0))
                .as(stat)
                .isGreaterThanOrEqualTo(least);
    }

    @Test
    void aSecondNodeComputesOnlyTheLastToken(@TempDir Path folder) throws Exception {
        for (var mode : Mode.values()) {
            for (var codec : List.of(CacheCodec.RAW, CacheCodec.LOSSLESS)) {
                try (var redis = new RedisProcess();
                        var first = node(redis, folder.resolve("a"), mode, codec);
                        var second = node(redis, folder.resolve("b"), mode, CacheCodec.RAW)) {
                    var expected = askAll(first, prompts(1));
                    await(first, "stored", 6 * 16);

                    var answers = askAll(second, prompts(1));

                    assertThat(tokens(answers)).isEqualTo(tokens(expected));
                    assertReused(answers);
                    assertThat(second.stats().promptTokensBySource().get("remote")).isPositive();
                    assertThat(second.stats().remote()).containsEntry("checksum_failures", 0.0);
                    var again = ask(second, prompts(1).getFirst());
                    assertThat(again.tokens).isEqualTo(expected.getFirst().tokens);
                    assertThat(source(again, "remote")).isZero();
                }
            }
        }
    }

    @Test
    void nodesThatChoseToRoundKvShareItAndOthersNeverSeeIt(@TempDir Path folder) throws Exception {
        try (var redis = new RedisProcess();
                var first = node(redis, folder.resolve("a"), Mode.AUTO, CacheCodec.Q8_0);
                var second = node(redis, folder.resolve("b"), Mode.AUTO, CacheCodec.Q8_0);
                var exact = node(redis, folder.resolve("c"), Mode.AUTO, CacheCodec.RAW)) {
            var expected = askAll(first, prompts(1));
            await(first, "stored", 6 * 16);
            var sent = first.stats().remote();
            assertThat(sent.getOrDefault("bytes_sent", 0.0))
                    .isLessThan(0.6 * sent.getOrDefault("bytes_stored", 0.0));

            assertReused(askAll(second, prompts(1)));
            assertThat(second.stats().remote())
                    .containsEntry("checksum_failures", 0.0)
                    .containsEntry("foreign", 0.0);

            var alone = askAll(exact, prompts(1));
            for (var answer : alone) {
                assertThat(source(answer, "computed")).isEqualTo(PROMPT);
            }
            assertThat(tokens(alone)).isEqualTo(tokens(expected));
            assertThat(exact.stats().remote()).containsEntry("hits", 0.0);
            // Nor does it get any from a peer, or in a file.
            assertThat(exact.model().fingerprint()).isNotEqualTo(first.model().fingerprint());
            assertThat(second.model().fingerprint()).isEqualTo(first.model().fingerprint());
        }
    }

    @Test
    void aLostStoreCostsReuseAndNoAnswer(@TempDir Path folder) throws Exception {
        try (var redis = new RedisProcess()) {
            var prompts = prompts(15);
            var expected = computeAndLeave(redis, folder.resolve("a"), prompts);
            try (var node = node(redis, folder.resolve("b"), Mode.AUTO, CacheCodec.RAW)) {
                redis.kill();
                var answers = askAll(node, prompts);
                assertThat(tokens(answers)).isEqualTo(expected);
                for (var answer : answers) {
                    assertThat(source(answer, "computed")).isEqualTo(PROMPT);
                }
                await(node, "breaker_openings", 1);

                redis.startAgain();
                await(node, "reachable", 1);
                double before = node.stats().remote().getOrDefault("stored", 0.0);
                assertThat(tokens(askAll(node, prompts))).isEqualTo(expected);
                await(node, "stored", before + 6 * 16);
            }
            try (var other = node(redis, folder.resolve("c"), Mode.AUTO, CacheCodec.RAW)) {
                var answers = askAll(other, prompts);
                assertThat(tokens(answers)).isEqualTo(expected);
                assertReused(answers);
            }
        }
    }

    @Test
    void aStoreThatComesAndGoesCostsNoAnswer(@TempDir Path folder) throws Exception {
        try (var redis = new RedisProcess()) {
            var prompts = prompts(24);
            var expected = computeAndLeave(redis, folder.resolve("a"), prompts);
            var ended = new AtomicBoolean();
            try (var node = node(redis, folder.resolve("b"), Mode.AUTO, CacheCodec.RAW)) {
                var flapping =
                        CompletableFuture.runAsync(
                                () -> {
                                    while (!ended.get()) {
                                        redis.kill();
                                        redis.startAgain();
                                    }
                                });
                for (int round = 0; round < 3; round++) {
                    assertThat(tokens(askAll(node, prompts))).isEqualTo(expected);
                }
                ended.set(true);
                flapping.get(60, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void aNodeStartsWithoutItsStore(@TempDir Path folder) throws Exception {
        try (var redis = new RedisProcess()) {
            redis.kill();
            try (var node = node(redis, folder, Mode.AUTO, CacheCodec.RAW)) {
                assertThat(source(ask(node, prompt(4)), "computed")).isEqualTo(PROMPT);
                await(node, "breaker_openings", 1);
                redis.startAgain();
                await(node, "reachable", 1);
            }
        }
    }

    /** Changes each value by {@code change} that starts with the prefix. */
    private static void spoil(RedisProcess redis, UnaryOperator<byte[]> change) {
        var client = RedisClient.create(RedisURI.create(redis.url()));
        try (var connection =
                client.connect(RedisCodec.of(StringCodec.ASCII, ByteArrayCodec.INSTANCE))) {
            var commands = connection.sync();
            for (var name : commands.keys("*")) {
                commands.set(name, change.apply(commands.get(name)));
            }
        } finally {
            client.shutdown();
        }
    }

    /** Corrupt blocks are told apart, counted, computed and written again. */
    private void assertNotTaken(
            RedisProcess redis,
            Path folder,
            List<List<Integer>> expected,
            List<int[]> prompts,
            String counter)
            throws Exception {
        try (var node = node(redis, folder, Mode.AUTO, CacheCodec.RAW)) {
            var answers = askAll(node, prompts);
            assertThat(tokens(answers)).isEqualTo(expected);
            for (var answer : answers) {
                assertThat(source(answer, "computed")).isEqualTo(PROMPT);
            }
            assertThat(node.stats().remote().get(counter)).as(counter).isPositive();
            assertThat(node.stats().remote()).containsEntry("hits", 0.0);
            await(node, "stored", 1);
        }
    }

    @Test
    void valuesThatHaveBeenTamperedWithAreComputed(@TempDir Path folder) throws Exception {
        try (var redis = new RedisProcess()) {
            var prompts = prompts(18);
            var expected = computeAndLeave(redis, folder.resolve("a"), prompts);
            spoil(
                    redis,
                    value -> {
                        value[value.length / 2] ^= 1;
                        return value;
                    });
            assertNotTaken(redis, folder.resolve("b"), expected, prompts, "checksum_failures");
            spoil(
                    redis,
                    value -> {
                        value[5] = 77; // The format version.
                        return value;
                    });
            assertNotTaken(redis, folder.resolve("c"), expected, prompts, "foreign");
            spoil(
                    redis,
                    value -> {
                        value[40] ^= 1; // The model's fingerprint.
                        return value;
                    });
            assertNotTaken(redis, folder.resolve("d"), expected, prompts, "foreign");
            spoil(redis, value -> Arrays.copyOf(value, value.length / 3));
            assertNotTaken(redis, folder.resolve("e"), expected, prompts, "checksum_failures");
        }
    }

    @Test
    void nodesWithAnotherKeySeeNothing(@TempDir Path folder) throws Exception {
        try (var redis = new RedisProcess()) {
            var prompts = prompts(29);
            var expected = computeAndLeave(redis, folder.resolve("a"), prompts);
            try (var node = node(redis, folder.resolve("b"), Mode.AUTO, CacheCodec.RAW, 2)) {
                var answers = askAll(node, prompts);
                assertThat(tokens(answers)).isEqualTo(expected);
                for (var answer : answers) {
                    assertThat(source(answer, "computed")).isEqualTo(PROMPT);
                }
            }
        }
    }
}
