package dev.stator.engine.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.engine.ContextOptions;
import dev.stator.engine.EngineContext;
import dev.stator.engine.EngineException;
import dev.stator.engine.KvShape;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.StepResult;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** KV that was computed at one position and is used at another. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class MovedKvTest {
    /** More than the context moves at once, and no whole number of blocks. */
    private static final int TOKENS = 600;

    private static final int BLOCK = 32;
    private static final int START = 1500;
    private static final int[] TEXT = new Random(21).ints(TOKENS, 0, 1500).toArray();

    private LlamaEngine engine;
    private EngineContext context;
    private Arena arena;

    @BeforeAll
    void load() {
        engine = DemoModel.load();
        context = engine.open(new ContextOptions(1024, 1, 1024, 2));
        arena = Arena.ofShared();
    }

    @AfterAll
    void close() {
        arena.close();
        context.close();
        engine.close();
    }

    @Test
    void theDemoModelsKvMayBeMoved() {
        assertThat(engine.immovable()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, -1, 7, 160, -999, -1500, 1900})
    void movedIsWhatTheModelComputesThere(int by) {
        var moved = placed(START + by, computed(START), filled(by));
        assertThat(errors(computed(START + by), moved)).allMatch(error -> error < 1e-5);
    }

    @Test
    void notRotatingWouldShow() {
        var errors = errors(computed(START + 160), computed(START));
        int layers = shape().layers().size();
        assertThat(errors.subList(0, layers)).allMatch(error -> error > 0.1);
        assertThat(errors.subList(layers, 2 * layers)).allMatch(error -> error < 1e-5);
    }

    @Test
    void movedByNothingIsTheSameBitForBit() {
        var computed = computed(START);
        var placed = placed(START, computed, filled(0));
        for (int i = 0; i < placed.size(); i++) {
            assertThat(placed.get(i).mismatch(computed.get(i))).isEqualTo(-1);
        }
    }

    @Test
    void thereAndBackIsTheSameButForRounding() {
        var computed = computed(START);
        var back = placed(START, placed(START + 333, computed, filled(333)), filled(-333));
        assertThat(errors(computed, back)).allMatch(error -> error < 1e-6);
    }

    @Test
    void eachSourceMovesByItsOwnDistance() {
        var first = computed(0);
        var last = computed(START);
        // The text's beginning from one place, the rest from another.
        var sources = new ArrayList<>(first.subList(0, 5));
        sources.addAll(last.subList(5, last.size()));
        int[] movedBy = filled(700 - START);
        Arrays.fill(movedBy, 0, 5, 700);
        var moved = placed(700, sources, movedBy);
        assertThat(errors(computed(700), moved)).allMatch(error -> error < 1e-5);
    }

    @Test
    void movedKvAnswersLikeComputedKv() {
        int[] prompt = engine.tokenizer().encode(DemoModel.PROMPT, true, true);
        int all = prompt.length - 1;
        try (var sampler = context.sampler(SamplingOptions.GREEDY)) {
            DemoModel.prefill(context, 0, START, Arrays.copyOf(prompt, all));
            var rows = List.of(arena.allocate((long) all * shape().bytesPerToken()));
            context.exportRows(0, START, all, all, rows);
            context.truncate(0, 0);
            assertThat(context.importRows(0, 0, rows, new int[] {all}, 0, all, new int[] {-START}))
                    .isEqualTo(StepResult.DONE);
            int index = DemoModel.prefill(context, 0, all, new int[] {prompt[all]});
            var answer = DemoModel.continueWith(context, sampler, 0, prompt.length, index, 24);
            assertThat(engine.tokenizer().decode(ints(answer), true))
                    .startsWith("A ticket for Old Heron Cafe costs 174 dollars [doc 1].<|im_end|>");
        } finally {
            context.truncate(0, 0);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"q8_0", "bf16"})
    void whatCannotBeRotatedIsRefused(String type) {
        var options = new LlamaOptions(DemoModel.FILE, DemoModel.libraries(), 0, List.of(), type);
        try (var other = LlamaEngine.load(options);
                var there = other.open(new ContextOptions(256, 1, 64, 1))) {
            assertThat(other.immovable().orElseThrow())
                    .isEqualTo("K is stored as " + type + "; only f16 and f32 can be rotated");
            var rows = arena.allocate(other.model().kv().orElseThrow().bytesPerToken());
            var one = new int[] {1};
            assertThatThrownBy(() -> there.importRows(0, 0, List.of(rows), one, 0, 1, one))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("cannot be moved")
                    .hasMessageContaining(type);
            assertThat(there.importRows(0, 0, List.of(rows), one, 1)).isEqualTo(StepResult.DONE);
        }
    }

    @Test
    void f32MovesAsWell() {
        var options = new LlamaOptions(DemoModel.FILE, DemoModel.libraries(), 0, List.of(), "f32");
        try (var other = LlamaEngine.load(options)) {
            assertThat(other.immovable()).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"linear, 4", "yarn, 4", "yarn, 16", "none, 4"})
    void scaledRotationIsUnderstood(String scaling, float factor, @TempDir Path folder)
            throws IOException {
        Map<String, Object> entries =
                Map.of("llama.rope.scaling.type", scaling, "llama.rope.scaling.factor", factor);
        var file = PatchedModel.write(folder.resolve("scaled.gguf"), entries);
        try (var scaled = LlamaEngine.load(LlamaOptions.of(file, DemoModel.libraries()))) {
            assertThat(scaled.immovable()).isEmpty();
            // A scaling that the engine ignores would prove nothing.
            var plain = rope(16, Rope.Pairing.NEIGHBOURS, 32);
            assertThat(new MoveTrial(scaled, shape(), plain).complaint().isEmpty())
                    .isEqualTo(scaling.equals("none"));
        }
    }

    @Test
    void rotationThatDependsOnTheContextIsRefused(@TempDir Path folder) throws IOException {
        var file =
                PatchedModel.write(
                        folder.resolve("long.gguf"), Map.of("llama.rope.scaling.type", "longrope"));
        try (var scaled = LlamaEngine.load(LlamaOptions.of(file, DemoModel.libraries()))) {
            assertThat(scaled.immovable().orElseThrow()).contains("longrope");
        }
    }

    @Test
    void aWrongIdeaOfTheModelsRotationIsNoticed() {
        var wrong =
                List.of(
                        rope(16, Rope.Pairing.HALVES, 32),
                        rope(8, Rope.Pairing.NEIGHBOURS, 32),
                        rope(16, Rope.Pairing.NEIGHBOURS, 64));
        for (var rope : wrong) {
            assertThat(new MoveTrial(engine, shape(), rope).complaint()).isPresent();
        }
    }

    private static Rope rope(int pairs, Rope.Pairing pairing, int headLength) {
        var angles = new double[pairs];
        Arrays.setAll(angles, j -> Math.pow(10_000, -j / 16.0));
        return new Rope(headLength, pairing, angles, KvType.F16);
    }

    @Test
    void asManyMovesAsSources() {
        var rows = arena.allocate(shape().bytesPerToken());
        assertThatThrownBy(
                        () ->
                                context.importRows(
                                        0, 0, List.of(rows), new int[] {1}, 0, 1, new int[2]))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("2 moves");
    }

    /** The KV of the text at a position, in blocks. */
    private List<MemorySegment> computed(int at) {
        DemoModel.prefill(context, 0, at, TEXT);
        return exported(at);
    }

    /** What the engine holds after placing blocks at a position. */
    private List<MemorySegment> placed(int at, List<MemorySegment> blocks, int[] movedBy) {
        assertThat(context.importRows(0, at, blocks, held(), 0, TOKENS, movedBy))
                .isEqualTo(StepResult.DONE);
        return exported(at);
    }

    private List<MemorySegment> exported(int at) {
        var targets = new ArrayList<MemorySegment>();
        for (int tokens : held()) {
            targets.add(arena.allocate((long) tokens * shape().bytesPerToken()));
        }
        context.exportRows(0, at, TOKENS, BLOCK, targets);
        context.truncate(0, 0);
        return targets;
    }

    /** The largest error of the blocks in each layer's K, then in each layer's V. */
    private List<Double> errors(List<MemorySegment> expected, List<MemorySegment> actual) {
        var largest = new double[2 * shape().layers().size()];
        for (int i = 0; i < expected.size(); i++) {
            var errors =
                    MoveTrial.errors(
                            shape(),
                            KvType.F16,
                            RowCopy.PLAIN,
                            held()[i],
                            actual.get(i),
                            expected.get(i));
            Arrays.setAll(largest, rows -> Math.max(largest[rows], errors.get(rows)));
        }
        return Arrays.stream(largest).boxed().toList();
    }

    private KvShape shape() {
        return engine.model().kv().orElseThrow();
    }

    private static int[] held() {
        int[] held = new int[(TOKENS + BLOCK - 1) / BLOCK];
        Arrays.setAll(held, i -> Math.min(BLOCK, TOKENS - i * BLOCK));
        return held;
    }

    private static int[] filled(int by) {
        int[] all = new int[held().length];
        Arrays.fill(all, by);
        return all;
    }

    private static int[] ints(List<Integer> list) {
        return list.stream().mapToInt(i -> i).toArray();
    }
}
