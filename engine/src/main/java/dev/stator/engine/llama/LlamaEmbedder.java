package dev.stator.engine.llama;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.stator.engine.Embedder;
import dev.stator.engine.EngineException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A context that pools: one text at a time, whole, in one batch. */
final class LlamaEmbedder implements Embedder {
    /** A text longer than this is refused: the batch must hold it whole. */
    private static final int MAX_TOKENS = 8192;

    private final Llama llama;
    private final MemorySegment context;
    private final int capacity;
    private final int length;

    LlamaEmbedder(LlamaEngine engine, int threads) {
        this.llama = engine.llama();
        this.capacity = Math.min(MAX_TOKENS, engine.model().contextTokens());
        this.length = engine.model().embeddingLength();
        try (var arena = Arena.ofConfined()) {
            var params = engine.contextParams(arena, capacity, 1, threads);
            Layouts.putInt(params, Layouts.CONTEXT_PARAMS, "n_batch", capacity);
            Layouts.putInt(params, Layouts.CONTEXT_PARAMS, "n_ubatch", capacity);
            Layouts.putBoolean(params, Layouts.CONTEXT_PARAMS, "embeddings", true);
            this.context = engine.newContext(params);
        }
    }

    @Override
    public float[] embed(int[] tokens) {
        if (tokens.length < 1 || tokens.length > capacity) {
            throw new EngineException(
                    "a text of %d tokens; this model embeds 1 to %d"
                            .formatted(tokens.length, capacity));
        }
        try (var arena = Arena.ofConfined()) {
            var memory = llama.memory(context);
            if (!memory.equals(MemorySegment.NULL)) {
                llama.memoryClear(memory);
            }
            int result = llama.decode(context, batch(arena, tokens));
            var pooled = llama.embeddings(context, 0);
            if (result != 0 || pooled.equals(MemorySegment.NULL)) {
                throw new EngineException(
                        "the engine could not embed the text (%d): %s"
                                .formatted(result, llama.libraries().complaints()));
            }
            return normalised(pooled.reinterpret(4L * length).toArray(JAVA_FLOAT));
        }
    }

    /** The tokens as sequence 0 from position 0 on, with output for each. */
    static MemorySegment batch(Arena arena, int[] tokens) {
        var sequence = arena.allocate(JAVA_INT);
        var positions = arena.allocate(JAVA_INT, tokens.length);
        var each = arena.allocate(JAVA_INT, tokens.length);
        var pointers = arena.allocate(ADDRESS, tokens.length);
        var outputs = arena.allocate(JAVA_BYTE, tokens.length);
        for (int i = 0; i < tokens.length; i++) {
            positions.setAtIndex(JAVA_INT, i, i);
            each.setAtIndex(JAVA_INT, i, 1);
            pointers.setAtIndex(ADDRESS, i, sequence);
            outputs.set(JAVA_BYTE, i, (byte) 1);
        }
        var struct = arena.allocate(Layouts.BATCH);
        Layouts.putInt(struct, Layouts.BATCH, "n_tokens", tokens.length);
        Layouts.putAddress(struct, Layouts.BATCH, "token", arena.allocateFrom(JAVA_INT, tokens));
        Layouts.putAddress(struct, Layouts.BATCH, "pos", positions);
        Layouts.putAddress(struct, Layouts.BATCH, "n_seq_id", each);
        Layouts.putAddress(struct, Layouts.BATCH, "seq_id", pointers);
        Layouts.putAddress(struct, Layouts.BATCH, "logits", outputs);
        return struct;
    }

    private static float[] normalised(float[] vector) {
        double sum = 0;
        for (float x : vector) {
            sum += (double) x * x;
        }
        float scale = sum == 0 ? 0 : (float) (1 / Math.sqrt(sum));
        for (int i = 0; i < vector.length; i++) {
            vector[i] *= scale;
        }
        return vector;
    }

    @Override
    public void close() {
        llama.contextFree(context);
    }
}
