package dev.stator.models;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.engine.Batch;
import dev.stator.engine.ContextOptions;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.Platform;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** llama.cpp itself loads what is synthesised and computes with it. */
final class SynthEngineTest {
    private static final Path DEMO = Path.of(System.getProperty("stator.demo"), "model.gguf");
    private static final Path LIBRARIES =
            Platform.libraries(Path.of(System.getProperty("stator.natives")));
    private static final String TEXT = " Hello,  world !\n\n\tgröße 漢字 🙂 'tis 1234 .";

    @TempDir Path folder;

    @ParameterizedTest
    @EnumSource
    void loadsTokenisesAndGenerates(WeightType type) {
        var file = write(type, Optional.empty());
        try (var engine = LlamaEngine.load(LlamaOptions.of(file, LIBRARIES))) {
            var tokenizer = engine.tokenizer();
            int[] tokens = tokenizer.encode(TEXT, true, false);
            assertThat(tokens)
                    .hasSize(TEXT.getBytes(java.nio.charset.StandardCharsets.UTF_8).length);
            assertThat(tokenizer.decode(tokens, false)).isEqualTo(TEXT);
            assertThat(tokenizer.encode("<|im_start|>user\nx<|im_end|>", true, true))
                    .startsWith(510)
                    .endsWith(511);
            assertThat(tokenizer.endsGeneration(tokenizer.eos().orElseThrow())).isTrue();

            var report = ModelReport.of(file);
            assertThat(engine.model().parameters()).isEqualTo(report.parameters());
            assertThat(engine.model().chatTemplate()).isEqualTo(report.chatTemplate());
            assertThat(engine.model().kv().orElseThrow().bytesPerToken())
                    .isEqualTo(report.kv().bytesPerTokenF16().orElseThrow());
            assertSaneLogits(engine, tokens);
        }
    }

    @Test
    void loadsWithACopiedTokenizer() {
        var file = write(WeightType.Q4_0, Optional.of(DEMO));
        try (var engine = LlamaEngine.load(LlamaOptions.of(file, LIBRARIES));
                var demo = LlamaEngine.load(LlamaOptions.of(DEMO, LIBRARIES))) {
            assertThat(engine.tokenizer().encode(TEXT, true, true))
                    .isEqualTo(demo.tokenizer().encode(TEXT, true, true));
            assertSaneLogits(engine, engine.tokenizer().encode(TEXT, true, true));
        }
    }

    /** Both pairings of RoPE, and the stretched frequencies of Llama 3. */
    @ParameterizedTest
    @CsvSource({"llama, 1", "llama, 8", "qwen2, 1", "qwen3, 1"})
    void itsKvMayBeMoved(String architecture, float stretch) {
        var scaling =
                stretch == 1
                        ? Optional.<Shape.RopeScaling>empty()
                        : Optional.of(new Shape.RopeScaling(stretch, 1, 4, 128));
        var shape =
                new Shape(
                        "tiny",
                        architecture,
                        2,
                        128,
                        256,
                        4,
                        2,
                        32,
                        2048,
                        10_000,
                        scaling,
                        1e-5f,
                        512,
                        true);
        var target = folder.resolve("moved.gguf");
        var options = new SynthOptions(shape, WeightType.F16, target, Optional.empty(), 11);
        Synth.write(options, Progress.NONE);
        try (var engine = LlamaEngine.load(LlamaOptions.of(target, LIBRARIES))) {
            assertThat(engine.immovable()).isEmpty();
        }
    }

    /** Every token has a probability: neither degenerate nor infinite. */
    private static void assertSaneLogits(LlamaEngine engine, int[] tokens) {
        var sampling =
                new SamplingOptions(
                        1,
                        1,
                        0,
                        0,
                        0,
                        0,
                        1,
                        Map.of(),
                        OptionalLong.of(1),
                        true,
                        5,
                        Optional.empty());
        try (var context = engine.open(new ContextOptions(256, 1, 128, 1));
                var sampler = context.sampler(sampling)) {
            var batch = new Batch();
            for (int i = 0; i < tokens.length; i++) {
                batch.add(tokens[i], i, 0, i == tokens.length - 1);
            }
            context.step(batch);
            int output = tokens.length - 1;
            for (int i = 0; i < 4; i++) {
                var sampled = sampler.sample(output);
                assertThat(sampled.logprob()).isFinite().isBetween(-20f, -0.01f);
                var next = new Batch();
                next.add(sampled.token(), tokens.length + i, 0, true);
                context.step(next);
                output = 0;
            }
        }
    }

    private Path write(WeightType type, Optional<Path> tokenizer) {
        var target = folder.resolve("tiny.gguf");
        Synth.write(
                new SynthOptions(Shape.named("tiny"), type, target, tokenizer, 11), Progress.NONE);
        return target;
    }
}
