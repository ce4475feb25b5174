package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.engine.llama.LlamaEngine;
import dev.stator.routing.Mode;
import dev.stator.serving.Texts.Origin;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Prompts that are computed ahead, and texts that are erased with all that was made of them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class TextsTest {
    private static final long MIB = 1 << 20;
    private static final int BLOCK = 32;

    @TempDir Path place;
    private LlamaEngine engine;

    @BeforeAll
    void load() {
        engine = DemoNode.engine();
    }

    @AfterAll
    void close() {
        engine.close();
    }

    private NodeFabric node(Path folder) {
        return NodeFabric.start(
                engine,
                DemoNode.options(Mode.AUTO, 1, 1, 64 * MIB, folder.resolve("host"))
                        .withDiskCache(DiskCache.of(folder.resolve("disk"), 64 * MIB)));
    }

    private static int[] tokens(int seed, int length) {
        return new Random(seed).ints(length, 300, 1500).toArray();
    }

    private static int[] joined(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(IntStream::of).toArray();
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(120, TimeUnit.SECONDS);
    }

    /** Asks, and notes that the prompt holds texts, as those who know them do. */
    private static Collected ask(NodeFabric node, int[] prompt, Origin... origins)
            throws Exception {
        var request = DemoNode.request(prompt, 8);
        var texts = node.texts().orElseThrow();
        texts.hold(request, new int[0], List.of(origins));
        var collected = new Collected();
        assertThat(node.submit(request, collected)).isInstanceOf(Admission.Admitted.class);
        texts.hold(request, collected.await().account().generated(), List.of(origins));
        return collected;
    }

    private static Texts.Holding holding(NodeFabric node, int[] prompt) {
        return node.texts().orElseThrow().holding(DemoNode.request(prompt, 1));
    }

    /** Blocks of a prompt that end before a token. */
    private static int before(int token) {
        return token / BLOCK;
    }

    @Test
    void aPromptIsComputedAheadWhileNobodyElseWantsTo() throws Exception {
        var folder = Files.createTempDirectory(place, "node");
        try (var node = node(folder)) {
            int[] prompt = tokens(1, 500);
            var account = get(node.texts().orElseThrow().prefill(DemoNode.request(prompt, 1)));

            assertThat(account.promptTokensBySource()).containsEntry("computed", 500);
            var holding = holding(node, prompt);
            assertThat(holding.blocks()).isEqualTo(16);
            assertThat(holding.host()).isEqualTo(16);
            var asked = ask(node, prompt);
            assertThat(asked.await().account().promptTokensBySource()).containsEntry("computed", 1);
            // It is nobody's request.
            assertThat(node.stats().promptTokensBySource()).containsEntry("computed", 1L);
        }
    }

    @Test
    void itGivesWayToARequestAndGoesOnWhereItWas() throws Exception {
        var folder = Files.createTempDirectory(place, "node");
        try (var node = node(folder)) {
            int[] ahead = tokens(2, 900);
            var computed = node.texts().orElseThrow().prefill(DemoNode.request(ahead, 1));
            // It has begun: a block is there.
            while (holding(node, ahead).host() < 2) {
                Thread.sleep(1);
            }

            ask(node, tokens(3, 40));

            assertThat(computed).isNotDone();
            int last = get(computed).promptTokensBySource().getOrDefault("computed", 0);
            assertThat(last).isLessThan(900 - 2 * BLOCK + 1);
            assertThat(ask(node, ahead).await().account().promptTokensBySource())
                    .containsEntry("computed", 1);
        }
    }

    @Test
    void aTextGoesWithAllThatWasMadeOfItAndNothingElse() throws Exception {
        var folder = Files.createTempDirectory(place, "node");
        int[] head = tokens(10, 50);
        int[] one = tokens(11, 120);
        int[] two = tokens(12, 120);
        int[] question = tokens(13, 20);
        int[] first = joined(head, one, question);
        int[] second = joined(head, two, one, question);
        int[] without = joined(head, two, question);
        try (var node = node(folder)) {
            ask(node, first, new Origin("one", 50, 170));
            ask(node, second, new Origin("two", 50, 170), new Origin("one", 170, 290));
            ask(node, without, new Origin("two", 50, 170));
            var texts = node.texts().orElseThrow();

            var erasure = texts.erase("one");
            get(erasure.swept());

            for (int[] prompt : List.of(first, second)) {
                int before = before(prompt == first ? 50 : 170);
                assertThat(holding(node, prompt).host()).isEqualTo(before);
                assertThat(holding(node, prompt).disk()).isEqualTo(before);
            }
            assertThat(holding(node, without).host()).isEqualTo(holding(node, without).blocks());
            get(erasure.ended());
            // A text may come again: it is computed, and cached like any other.
            assertThat(ask(node, first).await().account().promptTokensBySource().get("computed"))
                    .isGreaterThanOrEqualTo(first.length - 50);
            assertThat(holding(node, first).host()).isEqualTo(holding(node, first).blocks());
        }
    }

    @Test
    void whatWasMadeOfATextToBeSplicedGoesToo() throws Exception {
        var folder = Files.createTempDirectory(place, "node");
        int[] head = tokens(40, 64);
        int[] one = tokens(41, 96);
        int[] two = tokens(42, 96);
        int[] prompt = joined(head, one, two, tokens(43, 20));
        var splice =
                new Splice(
                        64,
                        List.of(new Splice.Passage(64, 160), new Splice.Passage(160, 256)),
                        0,
                        List.of());
        try (var node = node(folder)) {
            var texts = node.texts().orElseThrow();
            var request = DemoNode.request(prompt, 8).withSplice(splice);
            var origins = List.of(new Origin("one", 64, 160), new Origin("two", 160, 256));
            texts.hold(request, new int[0], origins);
            var collected = new Collected();
            node.submit(request, collected);
            collected.await();
            assertThat(texts.holding(request).host()).isEqualTo(texts.holding(request).blocks());

            get(texts.erase("two").ended());

            assertThat(texts.holding(request).host()).isLessThanOrEqualTo(before(160));
            assertThat(holding(node, joined(head, two, new int[1])).host()).isEqualTo(2);
            assertThat(holding(node, joined(head, two, new int[1])).disk()).isEqualTo(2);
            assertThat(holding(node, joined(head, one, new int[1])).host()).isEqualTo(5);
        }
    }

    @Test
    void aRequestThatIsUnderWayLeavesNothingBehind() throws Exception {
        var folder = Files.createTempDirectory(place, "node");
        int[] prompt = tokens(20, 900);
        try (var node = node(folder)) {
            var texts = node.texts().orElseThrow();
            var request = DemoNode.request(prompt, 100);
            texts.hold(request, new int[0], List.of(new Origin("text", 500, 620)));
            var collected = new Collected();
            node.submit(request, collected);
            while (holding(node, prompt).host() < 17) {
                Thread.sleep(1);
            }

            var erasure = texts.erase("text");

            collected.await();
            get(erasure.ended());
            assertThat(holding(node, prompt).host()).isLessThanOrEqualTo(before(500));
            assertThat(holding(node, prompt).disk()).isLessThanOrEqualTo(before(500));
        }
    }

    @Test
    void whatIsMadeOfATextIsKnownAfterARestartAndAnErasureGoesOn() throws Exception {
        var folder = Files.createTempDirectory(place, "node");
        int[] prompt = joined(tokens(30, 64), tokens(31, 200));
        try (var node = node(folder)) {
            ask(node, prompt, new Origin("text", 64, 184));
        }
        try (var node = node(folder)) {
            assertThat(holding(node, prompt).disk()).isEqualTo(holding(node, prompt).blocks());
            // Ended before it has done anything, perhaps.
            node.texts().orElseThrow().erase("text");
        }
        try (var node = node(folder)) {
            while (holding(node, prompt).disk() > before(64)) {
                Thread.sleep(10);
            }
            assertThat(holding(node, prompt).disk()).isEqualTo(before(64));
            assertThat(node.stats().disk()).containsEntry("checksum_failures", 0.0);
        }
    }

    @Test
    void whateverWasAskedNothingOfAnErasedTextIsHeld() throws Exception {
        var folder = Files.createTempDirectory(place, "node");
        var random = new Random(4);
        try (var node = node(folder)) {
            var texts = new int[4][];
            for (int i = 0; i < texts.length; i++) {
                texts[i] = tokens(100 + i, 1 + random.nextInt(90));
            }
            record Asked(int[] prompt, int[] starts) {}
            var all = new ArrayList<Asked>();
            for (int round = 0; round < 40; round++) {
                int[] prompt = tokens(200 + random.nextInt(3), random.nextInt(60));
                int[] starts = new int[texts.length];
                Arrays.fill(starts, -1);
                var origins = new ArrayList<Origin>();
                for (int n = random.nextInt(3); n >= 0; n--) {
                    int i = random.nextInt(texts.length);
                    origins.add(
                            new Origin(
                                    "text " + i, prompt.length, prompt.length + texts[i].length));
                    starts[i] = starts[i] < 0 ? prompt.length : starts[i];
                    prompt = joined(prompt, texts[i]);
                }
                prompt = joined(prompt, tokens(300 + random.nextInt(5), 1 + random.nextInt(40)));
                ask(node, prompt, origins.toArray(Origin[]::new));
                all.add(new Asked(prompt, starts));
            }
            for (int erased = 0; erased < 2; erased++) {
                var erasure = node.texts().orElseThrow().erase("text " + erased);
                get(erasure.ended());
                for (var asked : all) {
                    if (asked.starts[erased] >= 0) {
                        var holding = holding(node, asked.prompt);
                        int most = before(asked.starts[erased]);
                        assertThat(holding.host()).isLessThanOrEqualTo(most);
                        assertThat(holding.disk()).isLessThanOrEqualTo(most);
                    }
                }
            }
            assertThat(node.cache().orElseThrow().verify()).isEmpty();
        }
    }
}
