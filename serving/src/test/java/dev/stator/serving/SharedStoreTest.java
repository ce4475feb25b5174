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
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
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

    private NodeFabric node(RedisProcess redis, Path folder, Mode mode, boolean lossless) {
        return node(redis, folder, mode, lossless, 1);
    }

    private NodeFabric node(
            RedisProcess redis, Path folder, Mode mode, boolean lossless, int keyNumber) {
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
                                        lossless,
                                        timeout,
                                        Duration.ofHours(1))));
    }

    private static int[] prompt(int seed) {
        return new Random(seed).ints(PROMPT, 300, 1500).toArray();
    }

    private static Collected ask(NodeFabric node, int[] prompt) throws Exception {
        var collected = new Collected();
        assertThat(node.submit(DemoNode.request(prompt, 24), collected))
                .isInstanceOf(Admission.Admitted.class);
        collected.await();
        return collected;
    }

    /** All that a node has computed is in the store when it has been closed. */
    private List<Integer> computeAndLeave(RedisProcess redis, Path folder, int[] prompt)
            throws Exception {
        try (var node = node(redis, folder, Mode.AUTO, false)) {
            var answer = ask(node, prompt);
            assertThat(source(answer, "computed")).isEqualTo(PROMPT);
            return answer.tokens;
        }
    }

    private static int source(Collected answer, String source) throws Exception {
        var sources = answer.await().account().promptTokensBySource();
        assertThat(sources.values().stream().mapToInt(n -> n).sum()).isEqualTo(PROMPT);
        return sources.getOrDefault(source, 0);
    }

    private static void await(NodeFabric node, String stat, double least) throws Exception {
        for (int i = 0; i < 3000 && node.stats().remote().get(stat) < least; i++) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
        assertThat(node.stats().remote().get(stat)).as(stat).isGreaterThanOrEqualTo(least);
    }

    @Test
    void aSecondNodeComputesOnlyTheLastToken(@TempDir Path folder) throws Exception {
        for (var mode : Mode.values()) {
            for (boolean lossless : new boolean[] {false, true}) {
                try (var redis = new RedisProcess();
                        var first = node(redis, folder.resolve("a"), mode, lossless);
                        var second = node(redis, folder.resolve("b"), mode, false)) {
                    int[] prompt = prompt(1);
                    var expected = ask(first, prompt).tokens;
                    await(first, "stored", 16);

                    var answer = ask(second, prompt);

                    assertThat(answer.tokens).isEqualTo(expected);
                    assertThat(source(answer, "remote")).isEqualTo(PROMPT - 1);
                    assertThat(source(answer, "computed")).isEqualTo(1);
                    assertThat(answer.await().account().stageMillis().get("remote")).isPositive();
                    var again = ask(second, prompt);
                    assertThat(again.tokens).isEqualTo(expected);
                    assertThat(source(again, "remote")).isZero();
                    assertThat(second.stats().promptTokensBySource())
                            .containsEntry("remote", PROMPT - 1L);
                    assertThat(second.stats().remote())
                            .containsEntry("checksum_failures", 0.0)
                            .containsEntry("misses", 0.0);
                    // At most the blocks of its own answer.
                    assertThat(second.stats().remote().get("stored")).isLessThanOrEqualTo(2);
                }
            }
        }
    }

    @Test
    void aLostStoreCostsReuseAndNoAnswer(@TempDir Path folder) throws Exception {
        try (var redis = new RedisProcess()) {
            int[] prompt = prompt(2);
            var expected = computeAndLeave(redis, folder.resolve("a"), prompt);
            try (var node = node(redis, folder.resolve("b"), Mode.AUTO, false)) {
                redis.kill();
                var answer = ask(node, prompt);
                assertThat(answer.tokens).isEqualTo(expected);
                assertThat(source(answer, "computed")).isEqualTo(PROMPT);
                ask(node, prompt(3));
                await(node, "breaker_openings", 1);
                assertThat(node.stats().remote()).containsEntry("reachable", 0.0);

                redis.startAgain();
                await(node, "reachable", 1);
                double before = node.stats().remote().get("stored");
                ask(node, prompt);
                await(node, "stored", before + 16);
            }
            try (var other = node(redis, folder.resolve("c"), Mode.AUTO, false)) {
                var answer = ask(other, prompt);
                assertThat(answer.tokens).isEqualTo(expected);
                assertThat(source(answer, "remote")).isEqualTo(PROMPT - 1);
            }
        }
    }

    @Test
    void aNodeStartsWithoutItsStore(@TempDir Path folder) throws Exception {
        try (var redis = new RedisProcess()) {
            redis.kill();
            try (var node = node(redis, folder, Mode.AUTO, false)) {
                assertThat(source(ask(node, prompt(4)), "computed")).isEqualTo(PROMPT);
                redis.startAgain();
            }
        }
    }

    /** Changes each value by {@code change} that starts with the prefix. */
    private static void spoil(
            RedisProcess redis, java.util.function.UnaryOperator<byte[]> change) {
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

    private void assertComputesAll(RedisProcess redis, Path folder, List<Integer> expected, int[] prompt, String counter)
            throws Exception {
        try (var node = node(redis, folder, Mode.AUTO, false)) {
            var answer = ask(node, prompt);
            assertThat(answer.tokens).isEqualTo(expected);
            assertThat(source(answer, "computed")).isEqualTo(PROMPT);
            assertThat(node.stats().remote().get(counter)).as(counter).isPositive();
            // It has written good ones in their place.
            await(node, "stored", 1);
        }
    }

    @Test
    void valuesThatHaveBeenTamperedWithAreComputed(@TempDir Path folder) throws Exception {
        try (var redis = new RedisProcess()) {
            int[] prompt = prompt(5);
            var expected = computeAndLeave(redis, folder.resolve("a"), prompt);
            spoil(
                    redis,
                    value -> {
                        value[value.length / 2] ^= 1;
                        return value;
                    });
            assertComputesAll(
                    redis, folder.resolve("b"), expected, prompt, "checksum_failures");
            spoil(
                    redis,
                    value -> {
                        value[5] = 77; // The format version.
                        return value;
                    });
            assertComputesAll(redis, folder.resolve("c"), expected, prompt, "foreign");
            spoil(
                    redis,
                    value -> {
                        value[40] ^= 1; // The model's fingerprint.
                        return value;
                    });
            assertComputesAll(redis, folder.resolve("d"), expected, prompt, "foreign");
        }
    }

    @Test
    void nodesWithAnotherKeySeeNothing(@TempDir Path folder) throws Exception {
        try (var redis = new RedisProcess()) {
            int[] prompt = prompt(6);
            var expected = computeAndLeave(redis, folder.resolve("a"), prompt);
            try (var node = node(redis, folder.resolve("b"), Mode.AUTO, false, 2)) {
                var answer = ask(node, prompt);
                assertThat(answer.tokens).isEqualTo(expected);
                assertThat(source(answer, "computed")).isEqualTo(PROMPT);
            }
        }
    }
}
