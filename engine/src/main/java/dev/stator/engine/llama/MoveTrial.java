package dev.stator.engine.llama;

import dev.stator.engine.Batch;
import dev.stator.engine.ContextOptions;
import dev.stator.engine.EngineContext;
import dev.stator.engine.EngineException;
import dev.stator.engine.KvShape;
import dev.stator.engine.StepResult;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Proves on the very model that moved KV is what the model would have computed: architectures
 * differ in more ways than a file's metadata tells.
 */
final class MoveTrial {
    /** Above the rounding of f16 by far, below any wrong angle by far. */
    static final double TOLERANCE = 1e-4;

    private static final double NOISE_FACTOR = 4;
    private static final double MOST_NOISE = 5e-3;
    private static final int TOKENS = 48;
    private static final int CELLS = 256;
    private static final int FAR = 2000;

    private final LlamaEngine engine;
    private final KvShape shape;
    private final Rope rope;

    MoveTrial(LlamaEngine engine, KvShape shape, Rope rope) {
        this.engine = engine;
        this.shape = shape;
        this.rope = rope;
    }

    /**
     * @return what is wrong with moving KV; empty if nothing is
     * @throws EngineException if it cannot be tried
     */
    Optional<String> complaint() {
        int rowUnit = rope.headLength() * rope.type().bytes();
        if (shape.layers().stream().anyMatch(layer -> layer.keyBytes() % rowUnit != 0)) {
            return Optional.of("its K rows are not made of heads alone");
        }
        int far = Math.min(FAR, engine.model().contextTokens() - TOKENS);
        if (far < 1) {
            return Optional.of("its context is too short to try it");
        }
        int[] tokens = new Random(1).ints(TOKENS, 0, engine.model().vocabularySize()).toArray();
        try (var arena = Arena.ofConfined();
                var context = engine.open(new ContextOptions(CELLS, 1, TOKENS, 1))) {
            var near = computed(context, 0, tokens, arena);
            var there = computed(context, far, tokens, arena);
            var errors = errors(shape, rope.type(), rope.by(far), TOKENS, near, there);
            return IntStream.range(0, errors.size())
                    // Not "greater": what is no number is wrong as well.
                    .filter(rows -> !(errors.get(rows) <= tolerance(rows, errors)))
                    .mapToObj(rows -> differs(rows, errors.get(rows)))
                    .findFirst();
        }
    }

    /**
     * V is not rotated. What it differs by is what the engine itself makes of the same tokens
     * elsewhere: engines that quantise activations blow last bits up, to 6e-4 where weights are
     * Q4_0. K may differ by a few times that. A wrong angle makes for 0.08 and more, and a model
     * that minds where it stands for as much in V.
     */
    private double tolerance(int rows, List<Double> errors) {
        int layers = shape.layers().size();
        return rows < layers
                ? Math.clamp(NOISE_FACTOR * errors.get(layers + rows), TOLERANCE, MOST_NOISE)
                : MOST_NOISE;
    }

    private String differs(int rows, double error) {
        int layers = shape.layers().size();
        return "%s by hand differs from computing it: NMSE %s in layer %d"
                .formatted(
                        rows < layers ? "rotating its K" : "taking its V as it is",
                        String.format(Locale.ROOT, "%.1e", error),
                        rows % layers);
    }

    private MemorySegment computed(EngineContext context, int from, int[] tokens, Arena arena) {
        var batch = new Batch();
        for (int i = 0; i < tokens.length; i++) {
            batch.add(tokens[i], from + i, 0, i == tokens.length - 1);
        }
        if (context.step(batch) != StepResult.DONE) {
            throw new EngineException("no room for " + tokens.length + " tokens");
        }
        var rows = arena.allocate((long) tokens.length * shape.bytesPerToken(), 64);
        context.exportRows(0, from, tokens.length, tokens.length, List.of(rows));
        context.truncate(0, 0);
        return rows;
    }

    /**
     * Squared error relative to what was computed, of each layer's K and then of each layer's V,
     * after {@code keys} moved {@code near}.
     */
    static List<Double> errors(
            KvShape shape,
            KvType type,
            RowCopy keys,
            int tokens,
            MemorySegment near,
            MemorySegment there) {
        var errors = new ArrayList<Double>();
        int layers = shape.layers().size();
        long at = 0;
        for (int rows = 0; rows < 2 * layers; rows++) {
            var layer = shape.layers().get(rows % layers);
            int rowBytes = rows < layers ? layer.keyBytes() : layer.valueBytes();
            var copy = rows < layers ? keys : RowCopy.PLAIN;
            var moved = MemorySegment.ofArray(new byte[tokens * rowBytes]);
            copy.copy(near, at, moved, 0, tokens, rowBytes);
            errors.add(error(type, there.asSlice(at, moved.byteSize()), moved));
            at += moved.byteSize();
        }
        return errors;
    }

    private static double error(KvType type, MemorySegment expected, MemorySegment actual) {
        double wrong = 0;
        double whole = 0;
        for (long at = 0; at < expected.byteSize(); at += type.bytes()) {
            double wanted = type.element(expected, at);
            double difference = wanted - type.element(actual, at);
            wrong += difference * difference;
            whole += wanted * wanted;
        }
        return wrong == 0 ? 0 : wrong / whole;
    }
}
