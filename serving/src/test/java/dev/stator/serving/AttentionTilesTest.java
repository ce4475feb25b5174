package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.engine.ContextOptions;
import dev.stator.engine.Embedder;
import dev.stator.engine.Engine;
import dev.stator.engine.EngineContext;
import dev.stator.engine.KvShape;
import dev.stator.engine.ModelInfo;
import dev.stator.engine.Pause;
import dev.stator.engine.Tokenizer;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.routing.Mode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class AttentionTilesTest {
    private static final long MIB = DemoNode.MIB;

    private static final ModelInfo LARGE = model(1_236_000_000L, 16, 2048);

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
    void theLongerTheContextTheShorterARestIsWorthATile() {
        // Llama 3.2 1B: 16 layers, 2,048 wide. Measured behind 2,048 tokens: 33 tokens in 1.03 s,
        // 48 in 1.73, 64 in 1.13; behind 4,096: 33 in 2.12 s, 64 in 1.51.
        var tiles = AttentionTiles.of(LARGE, 64, 512);

        assertThat(tiles.worthFilling(33, 0)).isFalse();
        assertThat(tiles.worthFilling(33, 2048)).isFalse();
        assertThat(tiles.worthFilling(48, 2048)).isTrue();
        assertThat(tiles.worthFilling(33, 4096)).isTrue();
        assertThat(tiles.worthFilling(1, 4096)).isFalse();
        assertThat(tiles.worthFilling(64, 4096)).isFalse();
        assertThat(tiles.worthFilling(65, 4096)).isFalse();
    }

    @Test
    void stepsThatAreTooShortForATileAreLeftAsTheyAre() {
        assertThat(AttentionTiles.of(LARGE, 64, 48).worthFilling(40, 100_000)).isFalse();
    }

    @Test
    void withoutTilesNothingIsFilled() {
        assertThat(AttentionTiles.of(LARGE, 1, 512).worthFilling(48, 100_000)).isFalse();
        assertThat(AttentionTiles.of(engine.model(), 64, 512).worthFilling(60, 4000)).isFalse();
    }

    @Test
    void theRestOfALongPromptIsComputedWithTheTokensBeforeIt() throws Exception {
        var conversation =
                EvalSet.read(DemoNode.DEMO.resolve("eval.jsonl")).stream()
                        .filter(each -> each.openingPieces().size() > 4)
                        .findFirst()
                        .orElseThrow();
        int[] prompt =
                new EvalSet.Dialogue(engine.tokenizer(), conversation)
                        .ask(conversation.turns().getFirst());
        // All blocks but those of the last 30 to 61 tokens.
        int known = (prompt.length - 30) / 32 * 32;
        int[] before = Arrays.copyOf(prompt, known + 1);
        try (var plain = node(engine);
                var wide = node(new Large(engine))) {
            generate(plain, before);
            generate(wide, before);
            var expected = generate(plain, prompt);
            var tiled = generate(wide, prompt);
            assertThat(computed(expected)).isLessThan(64);
            assertThat(tiled.tokens).isEqualTo(expected.tokens);
            assertThat(computed(tiled)).isEqualTo(64);
        }
    }

    private static int computed(Collected answer) throws Exception {
        return answer.await().account().promptTokensBySource().getOrDefault("computed", 0);
    }

    private NodeFabric node(Engine with) {
        return NodeFabric.start(with, DemoNode.options(Mode.AGGREGATED, 0, 1, 64 * MIB, folder));
    }

    private static Collected generate(NodeFabric node, int[] prompt) throws Exception {
        var answer = new Collected();
        assertThat(node.submit(DemoNode.request(prompt, 16), answer))
                .isInstanceOf(Admission.Admitted.class);
        answer.await();
        return answer;
    }

    private static ModelInfo model(long parameters, int layers, int width) {
        return new ModelInfo(
                "large",
                "llama",
                "",
                parameters,
                parameters,
                131_072,
                128_000,
                width,
                Optional.of(
                        new KvShape(
                                "f16", Collections.nCopies(layers, new KvShape.Layer(1024, 1024)))),
                "",
                Optional.empty(),
                true,
                false);
    }

    /** The demonstration model as if it had the proportions of a large one. */
    private record Large(Engine engine) implements Engine {
        @Override
        public ModelInfo model() {
            var its = engine.model();
            return new ModelInfo(
                    its.name(),
                    its.architecture(),
                    its.description(),
                    1_236_000_000L,
                    its.bytes(),
                    its.contextTokens(),
                    its.vocabularySize(),
                    4_000_000,
                    its.kv(),
                    its.fingerprint(),
                    its.chatTemplate(),
                    its.generates(),
                    its.embeds());
        }

        @Override
        public Tokenizer tokenizer() {
            return engine.tokenizer();
        }

        @Override
        public Optional<String> immovable() {
            return engine.immovable();
        }

        @Override
        public EngineContext open(ContextOptions options, Pause pause) {
            return engine.open(options, pause);
        }

        @Override
        public Embedder openEmbedder(int threads) {
            return engine.openEmbedder(threads);
        }

        @Override
        public void close() {}
    }
}
