package dev.stator.engine.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.engine.ContextOptions;
import dev.stator.engine.EngineException;
import dev.stator.engine.Pause;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.StepResult;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class LlamaEngineTest {
    private LlamaEngine engine;

    @BeforeAll
    void load() {
        engine = DemoModel.load();
    }

    @AfterAll
    void close() {
        engine.close();
    }

    @Test
    void describesTheModel() {
        var model = engine.model();
        assertThat(model.architecture()).isEqualTo("llama");
        assertThat(model.contextTokens()).isEqualTo(4096);
        assertThat(model.vocabularySize()).isEqualTo(1536);
        assertThat(model.kv().orElseThrow().layers()).hasSize(5);
        assertThat(model.kv().orElseThrow().bytesPerToken()).isEqualTo(5 * 2 * 3 * 32 * 2);
        assertThat(model.chatTemplate().orElseThrow()).contains("im_start");
        assertThat(model.generates()).isTrue();
        assertThat(model.embeds()).isFalse();
        assertThat(model.fingerprint()).hasSize(64);
    }

    @Test
    void answersFromADocument() {
        try (var context = engine.open(new ContextOptions(1024, 2, 512, 2));
                var sampler = context.sampler(SamplingOptions.GREEDY)) {
            int[] prompt = engine.tokenizer().encode(DemoModel.PROMPT, true, true);
            int index = DemoModel.prefill(context, 0, 0, prompt);
            var answer = DemoModel.continueWith(context, sampler, 0, prompt.length, index, 24);
            var text = engine.tokenizer().decode(answer.stream().mapToInt(i -> i).toArray(), true);
            assertThat(text)
                    .startsWith("A ticket for Old Heron Cafe costs 174 dollars [doc 1].<|im_end|>");
        }
    }

    @Test
    void aStepThatPausesComputesTheSame() {
        var pauses = new AtomicInteger();
        var possible = new AtomicBoolean();
        var pause =
                new Pause() {
                    @Override
                    public boolean possible() {
                        return possible.get();
                    }

                    @Override
                    public void point() {
                        pauses.incrementAndGet();
                    }
                };
        int[] prompt = new Random(3).ints(200, 0, 1500).toArray();
        try (var arena = Arena.ofConfined();
                var plain = engine.open(new ContextOptions(512, 2, 512, 2));
                var pausing = engine.open(new ContextOptions(512, 2, 512, 2), pause)) {
            DemoModel.prefill(plain, 0, 0, prompt);
            var expected = export(plain, 0, 0, 200, 32, arena);
            for (boolean now : new boolean[] {false, true}) {
                possible.set(now);
                DemoModel.prefill(pausing, 0, 0, prompt);
                assertSameRows(expected, export(pausing, 0, 0, 200, 32, arena), 200, 32);
                pausing.truncate(0, 0);
                int layers = engine.model().kv().orElseThrow().layers().size();
                assertThat(pauses.get()).isGreaterThanOrEqualTo(now ? 4 * layers : 0);
                assertThat(pauses.get()).isLessThanOrEqualTo(now ? 80 * layers : 0);
            }
        }
    }

    @Test
    void exportedRowsComeBackBitForBitWhateverTheCut() {
        var random = new Random(7);
        int[] prompt = random.ints(300, 0, 1500).toArray();
        try (var arena = Arena.ofConfined();
                var first = engine.open(new ContextOptions(1024, 4, 512, 2));
                var second = engine.open(new ContextOptions(1024, 4, 512, 2))) {
            DemoModel.prefill(first, 0, 0, prompt);
            var blocks = export(first, 0, 0, 300, 32, arena);
            for (int tokens : new int[] {1, 31, 32, 33, 255, 299, 300}) {
                assertThat(second.importRows(1, 0, blocks, held(300, 32), tokens))
                        .isEqualTo(StepResult.DONE);
                assertSameRows(blocks, export(second, 1, 0, tokens, 32, arena), tokens, 32);
                second.truncate(1, 0);
            }
        }
    }

    @Test
    void importsInPiecesBesideOtherSequencesAndContinuesLikeTheOriginal() {
        var random = new Random(11);
        int[] prompt = random.ints(200, 0, 1500).toArray();
        try (var arena = Arena.ofConfined();
                var first = engine.open(new ContextOptions(1024, 4, 512, 2));
                var second = engine.open(new ContextOptions(1024, 4, 512, 2));
                var greedyFirst = first.sampler(SamplingOptions.GREEDY);
                var greedySecond = second.sampler(SamplingOptions.GREEDY)) {
            DemoModel.prefill(first, 0, 0, Arrays.copyOf(prompt, 199));
            var blocks = export(first, 0, 0, 199, 32, arena);
            DemoModel.prefill(second, 3, 0, random.ints(50, 0, 1500).toArray());
            second.importRows(2, 0, blocks.subList(0, 2), held(64, 32), 64);
            DemoModel.prefill(second, 3, 50, random.ints(9, 0, 1500).toArray());
            second.importRows(2, 64, blocks.subList(2, 7), held(135, 32), 135);
            assertSameRows(blocks, export(second, 2, 0, 199, 32, arena), 199, 32);
            int last = prompt[199];
            var expected =
                    DemoModel.continueWith(
                            first,
                            greedyFirst,
                            0,
                            200,
                            DemoModel.prefill(first, 0, 199, new int[] {last}),
                            20);
            var actual =
                    DemoModel.continueWith(
                            second,
                            greedySecond,
                            2,
                            200,
                            DemoModel.prefill(second, 2, 199, new int[] {last}),
                            20);
            assertThat(actual).isEqualTo(expected);
        }
    }

    @Test
    void aSharedPrefixIsCopiedWithoutTouchingItsSource() {
        int[] prompt = new Random(3).ints(100, 0, 1500).toArray();
        try (var arena = Arena.ofConfined();
                var context = engine.open(new ContextOptions(512, 4, 512, 1))) {
            DemoModel.prefill(context, 0, 0, prompt);
            var before = export(context, 0, 0, 100, 32, arena);
            context.copy(0, 1, 64);
            DemoModel.prefill(context, 1, 64, new int[] {5, 6, 7});
            context.truncate(0, 0);
            assertSameRows(before, export(context, 1, 0, 64, 32, arena), 64, 32);
        }
    }

    @Test
    void noRoomIsAnAnswerAndChangesNothing() {
        int[] prompt = new Random(5).ints(256, 0, 1500).toArray();
        try (var arena = Arena.ofConfined();
                var context = engine.open(new ContextOptions(256, 4, 512, 1))) {
            DemoModel.prefill(context, 0, 0, Arrays.copyOf(prompt, 200));
            var blocks = export(context, 0, 0, 200, 32, arena);
            assertThat(context.importRows(1, 0, blocks, held(200, 32), 100))
                    .isEqualTo(StepResult.NO_ROOM);
            var batch = new dev.stator.engine.Batch();
            for (int i = 0; i < 100; i++) {
                batch.add(prompt[i], i, 2, i == 99);
            }
            assertThat(context.step(batch)).isEqualTo(StepResult.NO_ROOM);
            assertSameRows(blocks, export(context, 0, 0, 200, 32, arena), 200, 32);
            context.truncate(0, 0);
            assertThat(context.importRows(1, 0, blocks, held(200, 32), 100))
                    .isEqualTo(StepResult.DONE);
        }
    }

    @Test
    void refusesWhatWouldCrashTheLibrary() {
        try (var arena = Arena.ofConfined();
                var context = engine.open(new ContextOptions(256, 2, 64, 1))) {
            var batch = new dev.stator.engine.Batch();
            batch.add(1536, 0, 0, true);
            assertThatThrownBy(() -> context.step(batch))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("token 1536");
            batch.clear();
            batch.add(1, 0, 2, true);
            assertThatThrownBy(() -> context.step(batch)).hasMessageContaining("sequence 2");
            batch.clear();
            assertThatThrownBy(() -> context.step(batch)).hasMessageContaining("step of 0");
            var wrong = arena.allocate(100);
            assertThatThrownBy(() -> context.importRows(0, 0, List.of(wrong), new int[] {32}, 32))
                    .hasMessageContaining("takes");
        }
    }

    @Test
    void samplesBySeedAndFollowsBiasAndGrammar() {
        int[] prompt = engine.tokenizer().encode(DemoModel.PROMPT, true, true);
        var random = options(1.5f, OptionalLong.of(42), Map.of(), Optional.empty());
        assertThat(answer(prompt, random)).isEqualTo(answer(prompt, random));
        int banned = answer(prompt, SamplingOptions.GREEDY).getFirst();
        assertThat(
                        answer(
                                        prompt,
                                        options(
                                                0,
                                                OptionalLong.empty(),
                                                Map.of(banned, -100f),
                                                Optional.empty()))
                                .getFirst())
                .isNotEqualTo(banned);
        var grammar =
                options(
                        0,
                        OptionalLong.empty(),
                        Map.of(),
                        Optional.of("root ::= \"{\\\"x\\\":\" [0-9] [0-9] \"}\""));
        var text =
                engine.tokenizer()
                        .decode(answer(prompt, grammar).stream().mapToInt(i -> i).toArray(), false);
        assertThat(text).matches("\\{\"x\":[0-9]{2}\\}.*");
        assertThatThrownBy(
                        () ->
                                answer(
                                        prompt,
                                        options(
                                                0,
                                                OptionalLong.empty(),
                                                Map.of(),
                                                Optional.of("root ::= ((("))))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("grammar");
    }

    @Test
    void logprobsAreTheModelsOwn() {
        int[] prompt = engine.tokenizer().encode(DemoModel.PROMPT, true, true);
        var options =
                new SamplingOptions(
                        0,
                        1,
                        0,
                        0,
                        0,
                        0,
                        1,
                        Map.of(),
                        OptionalLong.empty(),
                        true,
                        5,
                        Optional.empty());
        try (var context = engine.open(new ContextOptions(512, 1, 512, 1));
                var sampler = context.sampler(options)) {
            var sampled = sampler.sample(DemoModel.prefill(context, 0, 0, prompt));
            assertThat(sampled.top()).hasSize(5);
            assertThat(sampled.top().getFirst().token()).isEqualTo(sampled.token());
            assertThat(sampled.top().getFirst().logprob()).isEqualTo(sampled.logprob());
            assertThat(sampled.top().stream().mapToDouble(c -> Math.exp(c.logprob())).sum())
                    .isBetween(0.5, 1.000001);
            assertThat(sampled.top())
                    .isSortedAccordingTo((a, b) -> Float.compare(b.logprob(), a.logprob()));
        }
    }

    @Test
    void tokenizesBackAndForth() {
        var tokenizer = engine.tokenizer();
        for (var text :
                List.of("", "Velmora Bakery", "naïve — 東京 🦙", " leading and\n\ntrailing \n")) {
            assertThat(tokenizer.decode(tokenizer.encode(text, false, false), false))
                    .isEqualTo(text);
        }
        assertThat(tokenizer.encode("<|im_end|>", false, true)).hasSize(1);
        assertThat(tokenizer.encode("<|im_end|>", false, false).length).isGreaterThan(1);
        assertThat(tokenizer.specials())
                .extracting("text")
                .contains("<|im_start|>", "<|im_end|>", "<|endoftext|>");
        assertThat(tokenizer.endsGeneration(tokenizer.eos().orElseThrow())).isTrue();
        assertThatThrownBy(() -> tokenizer.bytes(-1, true)).isInstanceOf(EngineException.class);
    }

    @Test
    void saysWhatIsWrongWithAFileOrALibrary(@TempDir Path folder) throws Exception {
        var garbage = Files.write(folder.resolve("garbage.gguf"), new byte[5000]);
        assertThatThrownBy(() -> LlamaEngine.load(LlamaOptions.of(garbage, DemoModel.libraries())))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("cannot load")
                .hasMessageContaining("garbage.gguf");
        assertThatThrownBy(
                        () ->
                                LlamaEngine.load(
                                        LlamaOptions.of(
                                                folder.resolve("absent.gguf"),
                                                DemoModel.libraries())))
                .hasMessageContaining("no readable model");
        assertThatThrownBy(() -> LlamaEngine.load(LlamaOptions.of(DemoModel.FILE, folder)))
                .hasMessageContaining("STATOR_LLAMA_DIR");
        var half =
                Files.write(
                        folder.resolve("half.gguf"),
                        Arrays.copyOf(Files.readAllBytes(DemoModel.FILE), 2_000_000));
        assertThatThrownBy(() -> LlamaEngine.load(LlamaOptions.of(half, DemoModel.libraries())))
                .hasMessageContaining("cannot load");
    }

    @Test
    void aLibraryWithShiftedFieldsIsRefused() {
        try (var arena = Arena.ofConfined()) {
            var llama = engine.llama();
            var shifted = arena.allocate(Layouts.CONTEXT_PARAMS);
            MemorySegment.copy(
                    llama.contextDefaults(arena),
                    0,
                    shifted,
                    4,
                    Layouts.CONTEXT_PARAMS.byteSize() - 4);
            assertThatThrownBy(() -> Layouts.verify("v9", llama.modelDefaults(arena), shifted))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("v9")
                    .hasMessageContaining("n_ctx");
        }
    }

    @Test
    void builtForOneVersion() {
        assertThat(Llama.matches("v0.5.0")).isTrue();
        assertThat(Llama.matches("0.5.0-dev")).isTrue();
        assertThat(Llama.matches("0.5.1")).isFalse();
        assertThat(Llama.matches("b6000")).isFalse();
    }

    private List<Integer> answer(int[] prompt, SamplingOptions options) {
        try (var context = engine.open(new ContextOptions(512, 1, 512, 1));
                var sampler = context.sampler(options)) {
            return DemoModel.continueWith(
                    context,
                    sampler,
                    0,
                    prompt.length,
                    DemoModel.prefill(context, 0, 0, prompt),
                    9);
        }
    }

    private static SamplingOptions options(
            float temperature,
            OptionalLong seed,
            Map<Integer, Float> bias,
            Optional<String> grammar) {
        return new SamplingOptions(temperature, 1, 0, 0, 0, 0, 1, bias, seed, false, 0, grammar);
    }

    private List<MemorySegment> export(
            dev.stator.engine.EngineContext context,
            int sequence,
            int from,
            int tokens,
            int blockTokens,
            Arena arena) {
        var targets = new ArrayList<MemorySegment>();
        for (int at = 0; at < tokens; at += blockTokens) {
            targets.add(
                    arena.allocate((long) Math.min(blockTokens, tokens - at) * bytesPerToken()));
        }
        context.exportRows(sequence, from, tokens, blockTokens, targets);
        return targets;
    }

    private int bytesPerToken() {
        return engine.model().kv().orElseThrow().bytesPerToken();
    }

    private static int[] held(int tokens, int blockTokens) {
        int blocks = (tokens + blockTokens - 1) / blockTokens;
        int[] held = new int[blocks];
        Arrays.setAll(held, i -> Math.min(blockTokens, tokens - i * blockTokens));
        return held;
    }

    /** Compares row by row, because a shorter last block is laid out for fewer tokens. */
    private void assertSameRows(
            List<MemorySegment> expected, List<MemorySegment> actual, int tokens, int blockTokens) {
        for (int block = 0; block < actual.size(); block++) {
            long expectedTokens = expected.get(block).byteSize() / bytesPerToken();
            long actualTokens = actual.get(block).byteSize() / bytesPerToken();
            long rows = Math.min(actualTokens, tokens - (long) block * blockTokens);
            long expectedAt = 0;
            long actualAt = 0;
            for (int pass = 0; pass < 2; pass++) {
                for (var layer : engine.model().kv().orElseThrow().layers()) {
                    long row = pass == 0 ? layer.keyBytes() : layer.valueBytes();
                    assertThat(
                                    actual.get(block)
                                            .asSlice(actualAt, rows * row)
                                            .toArray(ValueLayout.JAVA_BYTE))
                            .isEqualTo(
                                    expected.get(block)
                                            .asSlice(expectedAt, rows * row)
                                            .toArray(ValueLayout.JAVA_BYTE));
                    expectedAt += expectedTokens * row;
                    actualAt += actualTokens * row;
                }
            }
        }
    }
}
