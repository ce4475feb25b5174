package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.cache.CacheException;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.routing.Mode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Nodes that find on disk what nodes before them have computed. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class RestartTest {
    private static final long MIB = 1 << 20;

    private LlamaEngine engine;

    @BeforeAll
    void load() {
        engine = DemoNode.engine();
    }

    @AfterAll
    void close() {
        engine.close();
    }

    private NodeFabric node(Path folder, Mode mode, long hostBytes, long diskBytes) {
        return node(folder, mode, hostBytes, diskBytes, CacheCodec.RAW);
    }

    private NodeFabric node(
            Path folder, Mode mode, long hostBytes, long diskBytes, CacheCodec codec) {
        int prefill = mode == Mode.AGGREGATED ? 0 : 1;
        return NodeFabric.start(
                engine,
                DemoNode.options(mode, prefill, 1, hostBytes, folder.resolve("host"))
                        .withDiskCache(
                                DiskCache.of(folder.resolve("disk"), diskBytes).withCodec(codec)));
    }

    private static int[] prompt(int seed, int length) {
        return new Random(seed).ints(length, 300, 1500).toArray();
    }

    private static Collected ask(NodeFabric node, int[] prompt) throws Exception {
        var collected = new Collected();
        assertThat(node.submit(DemoNode.request(prompt, 24), collected))
                .isInstanceOf(Admission.Admitted.class);
        collected.await();
        return collected;
    }

    private static void assertSource(Collected answer, String source, int tokens) throws Exception {
        assertThat(answer.await().account().promptTokensBySource()).containsEntry(source, tokens);
        assertThat(
                        answer.await().account().promptTokensBySource().values().stream()
                                .mapToInt(n -> n)
                                .sum())
                .isEqualTo(500);
    }

    @Test
    void afterARestartAPromptComesFromDiskButForItsLastToken(@TempDir Path folder)
            throws Exception {
        for (var mode : Mode.values()) {
            var place = folder.resolve(mode.name());
            int[] prompt = prompt(1, 500);
            List<Integer> expected;
            try (var node = node(place, mode, 64 * MIB, 64 * MIB)) {
                var answer = ask(node, prompt);
                assertSource(answer, "computed", 500);
                expected = answer.tokens;
            }
            try (var node = node(place, mode, 64 * MIB, 64 * MIB)) {
                var answer = ask(node, prompt);
                assertThat(answer.tokens).isEqualTo(expected);
                assertSource(answer, "disk", 499);
                assertSource(answer, "computed", 1);
                assertThat(answer.await().account().stageMillis().get("disk")).isPositive();
                var again = ask(node, prompt);
                assertThat(again.tokens).isEqualTo(expected);
                assertThat(again.await().account().promptTokensBySource())
                        .doesNotContainKey("disk")
                        .containsEntry("computed", 1);
                assertThat(node.stats().promptTokensBySource()).containsEntry("disk", 499L);
                assertThat(node.stats().disk()).containsEntry("checksum_failures", 0.0);
            }
        }
    }

    @Test
    void whatOneCodecWroteToDiskNoOtherReads(@TempDir Path folder) throws Exception {
        int[] prompt = prompt(1, 500);
        List<Integer> expected;
        try (var node = node(folder, Mode.AUTO, 64 * MIB, 64 * MIB)) {
            expected = ask(node, prompt).tokens;
        }
        for (var codec : List.of(CacheCodec.LOSSLESS, CacheCodec.Q8_0)) {
            try (var node = node(folder, Mode.AUTO, 64 * MIB, 64 * MIB, codec)) {
                var answer = ask(node, prompt);
                assertSource(answer, "computed", 500);
                assertThat(answer.tokens).isEqualTo(expected);
            }
            try (var node = node(folder, Mode.AUTO, 64 * MIB, 64 * MIB, codec)) {
                var answer = ask(node, prompt);
                assertSource(answer, "disk", 499);
                if (!codec.isLossy()) {
                    assertThat(answer.tokens).isEqualTo(expected);
                }
                assertThat(node.stats().disk()).containsEntry("checksum_failures", 0.0);
            }
        }
        // What was there before is still there, and as exact as it was.
        try (var node = node(folder, Mode.AUTO, 64 * MIB, 64 * MIB)) {
            var answer = ask(node, prompt);
            assertSource(answer, "disk", 499);
            assertThat(answer.tokens).isEqualTo(expected);
        }
    }

    @Test
    void theNextTurnGoesOnFromDisk(@TempDir Path folder) throws Exception {
        int[] first = prompt(2, 300);
        int[] second;
        try (var node = node(folder, Mode.AUTO, 64 * MIB, 64 * MIB)) {
            var answer = ask(node, first);
            int[] tail = prompt(3, 500 - 300 - answer.tokens.size());
            second = new int[500];
            System.arraycopy(first, 0, second, 0, 300);
            for (int i = 0; i < answer.tokens.size(); i++) {
                second[300 + i] = answer.tokens.get(i);
            }
            System.arraycopy(tail, 0, second, 500 - tail.length, tail.length);
        }
        try (var node = node(folder, Mode.AUTO, 64 * MIB, 64 * MIB)) {
            var sources = ask(node, second).await().account().promptTokensBySource();
            assertThat(sources.getOrDefault("disk", 0)).isGreaterThanOrEqualTo(320);
            assertThat(sources.get("computed")).isEqualTo(500 - sources.getOrDefault("disk", 0));
        }
    }

    @Test
    void whatTheHostTierHasNoRoomForComesFromDisk(@TempDir Path folder) throws Exception {
        // The host tier holds one of these prompts.
        try (var node = node(folder, Mode.AGGREGATED, 20 * 61_440, 64 * MIB)) {
            int[] prompt = prompt(4, 500);
            var expected = ask(node, prompt).tokens;
            int fromDisk = 0;
            for (int i = 0; i < 6; i++) {
                ask(node, prompt(50 + i, 500));
                var answer = ask(node, prompt);
                assertThat(answer.tokens).isEqualTo(expected);
                fromDisk += answer.await().account().promptTokensBySource().getOrDefault("disk", 0);
            }
            assertThat(fromDisk).isPositive();
        }
    }

    @Test
    void blocksThatHaveBeenTamperedWithAreComputed(@TempDir Path folder) throws Exception {
        int[] prompt = prompt(5, 500);
        List<Integer> expected;
        try (var node = node(folder, Mode.AUTO, 64 * MIB, 64 * MIB)) {
            expected = ask(node, prompt).tokens;
        }
        garble(folder.resolve("disk"));
        try (var node = node(folder, Mode.AUTO, 64 * MIB, 64 * MIB)) {
            var answer = ask(node, prompt);
            assertThat(answer.tokens).isEqualTo(expected);
            var sources = answer.await().account().promptTokensBySource();
            assertThat(sources.getOrDefault("disk", 0)).isBetween(1, 490);
            assertThat(sources.get("computed")).isEqualTo(500 - sources.getOrDefault("disk", 0));
            assertThat(node.stats().disk().get("checksum_failures")).isPositive();
        }
    }

    /** Changes one byte in the middle of each segment. */
    private static void garble(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            for (var file : files.filter(f -> f.toString().endsWith(".kv")).toList()) {
                try (var segment = new RandomAccessFile(file.toFile(), "rw")) {
                    segment.seek(segment.length() / 2);
                    int was = segment.read();
                    segment.seek(segment.length() / 2);
                    segment.write(was ^ 1);
                }
            }
        }
    }

    @Test
    void tenantsDoNotShareADisk(@TempDir Path folder) throws Exception {
        int[] prompt = prompt(6, 500);
        try (var node = node(folder, Mode.AUTO, 64 * MIB, 64 * MIB)) {
            ask(node, prompt);
        }
        try (var node = node(folder, Mode.AUTO, 64 * MIB, 64 * MIB)) {
            var other =
                    new GenerationRequest(
                            "other",
                            prompt,
                            4,
                            dev.stator.engine.SamplingOptions.GREEDY,
                            List.of(),
                            java.util.Set.of(),
                            true,
                            "tenant b");
            var collected = new Collected();
            node.submit(other, collected);
            assertSource(collected, "computed", 500);
        }
    }

    @Test
    void aFolderInUseIsRefusedAndLeavesNothingBehind(@TempDir Path folder) throws Exception {
        try (var node = node(folder, Mode.AUTO, 64 * MIB, 64 * MIB)) {
            assertThatThrownBy(() -> node(folder, Mode.AUTO, 64 * MIB, 64 * MIB))
                    .isInstanceOf(CacheException.class)
                    .hasMessageContaining("in use by another server");
            try (var files = Files.list(folder.resolve("host"))) {
                assertThat(files).hasSize(1);
            }
            ask(node, prompt(7, 50));
        }
    }

    @Test
    void aDiskTierThatIsTooSmallIsRefused(@TempDir Path folder) {
        assertThatThrownBy(() -> node(folder, Mode.AUTO, 64 * MIB, 100_000))
                .isInstanceOf(CacheException.class)
                .hasMessageContaining("too small");
        assertThatThrownBy(() -> node(folder, Mode.AUTO, 0, 64 * MIB))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("needs the host tier");
    }
}
