package dev.stator.engine.llama;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.stator.engine.Batch;
import dev.stator.engine.ContextOptions;
import dev.stator.engine.EngineContext;
import dev.stator.engine.EngineException;
import dev.stator.engine.Pause;
import dev.stator.engine.Sampler;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.StepResult;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;

/**
 * A llama_context with unified KV: sequences may share cells, so a prefix is copied without moving
 * bytes and a range is read or appended through a scratch sequence (llama_state_seq_set_data wipes
 * its target, and reads whole sequences only).
 */
final class LlamaContext implements EngineContext {
    /**
     * Tokens moved through the staging buffer at once: bounds its size and the time one call takes.
     */
    private static final int MOVE_TOKENS = 512;

    private static final int MAX_MICRO_BATCH = 512;

    /** Ints in a cache line. */
    private static final int LINE_INTS = 16;

    private static final int NO_SLOT = 1;

    /** GGML_FA_TILE_Q of ggml's attention on processors. */
    private static final int ATTENTION_TILE = 64;

    private final LlamaEngine engine;
    private final Llama llama;
    private final ContextOptions options;
    private final MemorySegment context;
    private final PauseCallback pauses;
    private final ComputeThreads compute;
    private final MemorySegment memory;
    private final int scratch;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment batch;
    private final MemorySegment tokens;
    private final MemorySegment positions;
    private final MemorySegment sequences;
    private final MemorySegment outputs;
    private final MemorySegment staging;
    private int threads;

    LlamaContext(LlamaEngine engine, ContextOptions options, Pause pause) {
        this.engine = engine;
        this.llama = engine.llama();
        this.options = options;
        this.scratch = options.sequences();
        this.threads = options.threads();
        this.pauses = new PauseCallback(pause);
        try {
            this.context = create(engine, options, pause, pauses, arena);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
        try {
            this.compute = new ComputeThreads(llama.libraries(), options.threads());
        } catch (RuntimeException e) {
            llama.contextFree(context);
            arena.close();
            throw e;
        }
        compute.attachTo(llama.libraries(), context);
        this.memory = llama.memory(context);
        int step = options.stepTokens();
        tokens = arena.allocate(JAVA_INT, step);
        positions = arena.allocate(JAVA_INT, step);
        sequences = arena.allocate(JAVA_INT, step);
        outputs = arena.allocate(JAVA_BYTE, step);
        batch = newBatch(step);
        staging =
                engine.blob()
                        .map(
                                blob ->
                                        arena.allocate(
                                                blob.bytes(Math.min(MOVE_TOKENS, options.cells()))))
                        .orElse(MemorySegment.NULL);
    }

    /**
     * @param arena outlives the context
     */
    private static MemorySegment create(
            LlamaEngine engine,
            ContextOptions options,
            Pause pause,
            PauseCallback pauses,
            Arena arena) {
        try (var confined = Arena.ofConfined()) {
            var params =
                    engine.contextParams(
                            confined, options.cells(), options.sequences() + 1, options.threads());
            int batch = aligned(options.stepTokens());
            Layouts.putInt(params, Layouts.CONTEXT_PARAMS, "n_batch", batch);
            Layouts.putInt(
                    params, Layouts.CONTEXT_PARAMS, "n_ubatch", Math.min(batch, MAX_MICRO_BATCH));
            Layouts.putInt(
                    params,
                    Layouts.CONTEXT_PARAMS,
                    "n_outputs_max",
                    aligned(Math.min(options.sequences() + 1, options.stepTokens())));
            if (pause != Pause.NEVER) {
                Layouts.putAddress(params, Layouts.CONTEXT_PARAMS, "cb_eval", pauses.stub(arena));
            }
            return engine.newContext(params);
        }
    }

    /**
     * Rounded up, so that an array of as many ints fills whole cache lines. ggml lays a graph's
     * tensors one behind the other at multiples of 32 bytes: one short array of outputs puts every
     * row behind it across two lines, which makes AMX a third slower.
     */
    private static int aligned(int count) {
        return (count + LINE_INTS - 1) / LINE_INTS * LINE_INTS;
    }

    private MemorySegment newBatch(int step) {
        var each = arena.allocate(JAVA_INT, step);
        var pointers = arena.allocate(ADDRESS, step);
        for (int i = 0; i < step; i++) {
            each.setAtIndex(JAVA_INT, i, 1);
            pointers.setAtIndex(ADDRESS, i, sequences.asSlice(i * 4L, 4));
        }
        var struct = arena.allocate(Layouts.BATCH);
        Layouts.putAddress(struct, Layouts.BATCH, "token", tokens);
        Layouts.putAddress(struct, Layouts.BATCH, "pos", positions);
        Layouts.putAddress(struct, Layouts.BATCH, "n_seq_id", each);
        Layouts.putAddress(struct, Layouts.BATCH, "seq_id", pointers);
        Layouts.putAddress(struct, Layouts.BATCH, "logits", outputs);
        return struct;
    }

    @Override
    public ContextOptions options() {
        return options;
    }

    @Override
    public boolean inHostMemory() {
        return engine.inHostMemory();
    }

    @Override
    public int attentionTile() {
        return engine.inHostMemory() && engine.kvType().attendsInTiles() ? ATTENTION_TILE : 1;
    }

    @Override
    public void threads(int threads) {
        if (threads != this.threads) {
            this.threads = threads;
            llama.threads(context, threads);
        }
    }

    @Override
    public StepResult step(Batch step) {
        if (step.size() < 1 || step.size() > options.stepTokens()) {
            throw new EngineException(
                    "a step of %d tokens; 1 to %d are possible"
                            .formatted(step.size(), options.stepTokens()));
        }
        for (int i = 0; i < step.size(); i++) {
            tokens.setAtIndex(JAVA_INT, i, checkedToken(step.token(i)));
            positions.setAtIndex(JAVA_INT, i, step.position(i));
            sequences.setAtIndex(JAVA_INT, i, checked(step.sequence(i)));
            outputs.set(JAVA_BYTE, i, (byte) (step.output(i) ? 1 : 0));
        }
        Layouts.putInt(batch, Layouts.BATCH, "n_tokens", step.size());
        pauses.begin();
        int result = llama.decode(context, batch);
        if (result == NO_SLOT) {
            return StepResult.NO_ROOM;
        }
        if (result != 0) {
            throw new EngineException(
                    "llama_decode failed with %d: %s"
                            .formatted(result, llama.libraries().complaints()));
        }
        return StepResult.DONE;
    }

    @Override
    public Sampler sampler(SamplingOptions sampling) {
        return new LlamaSampler(engine, this, sampling);
    }

    /**
     * Logits after the batch's {@code index}-th token, as many floats as the vocabulary has tokens;
     * valid until the next step.
     */
    MemorySegment logits(int index) {
        var logits = llama.logits(context, index);
        if (logits.equals(MemorySegment.NULL)) {
            throw new EngineException(
                    "token %d of the last step asked for no output".formatted(index));
        }
        return logits.reinterpret(4L * engine.model().vocabularySize());
    }

    MemorySegment handle() {
        return context;
    }

    @Override
    public void exportRows(
            int sequence, int from, int count, int blockTokens, List<MemorySegment> targets) {
        checked(sequence);
        int blocksAtOnce = Math.max(1, MOVE_TOKENS / blockTokens);
        for (int block = 0; block < targets.size(); block += blocksAtOnce) {
            int last = Math.min(block + blocksAtOnce, targets.size());
            int start = block * blockTokens;
            int moved = Math.min(count, last * blockTokens) - start;
            exportSlice(sequence, from + start, moved, blockTokens, targets.subList(block, last));
        }
    }

    private void exportSlice(
            int sequence, int from, int count, int blockTokens, List<MemorySegment> targets) {
        var format = engine.requireBlob();
        llama.sequenceCopy(memory, sequence, scratch, from, from + count);
        try {
            var blob = staging.asSlice(0, format.bytes(count));
            long written = llama.stateGet(context, blob, scratch);
            format.decompose(blob.asSlice(0, written), from, count, blockTokens, targets);
        } finally {
            clear(scratch);
        }
    }

    @Override
    public StepResult importRows(
            int sequence,
            int from,
            List<MemorySegment> sources,
            int[] tokensHeld,
            int first,
            int count,
            int[] movedBy) {
        checked(sequence);
        checkSources(sources, tokensHeld, first, count);
        var moved = moved(sources, tokensHeld, movedBy);
        int source = 0;
        int skip = first;
        for (int done = 0; done < count; ) {
            int slice = Math.min(Math.min(MOVE_TOKENS, options.cells()), count - done);
            var rest = moved.subList(source, moved.size());
            if (importSlice(sequence, from + done, slice, rest, skip) == StepResult.NO_ROOM) {
                truncate(sequence, from);
                return StepResult.NO_ROOM;
            }
            done += slice;
            skip += slice;
            while (source < sources.size() && skip >= tokensHeld[source]) {
                skip -= tokensHeld[source++];
            }
        }
        return StepResult.DONE;
    }

    private StepResult importSlice(
            int sequence, int from, int count, List<StateBlob.Source> sources, int skip) {
        var format = engine.requireBlob();
        var blob = staging.asSlice(0, format.bytes(count));
        format.compose(blob, from, count, sources, skip);
        if (llama.stateSet(context, blob, scratch) == 0) {
            clear(scratch);
            return StepResult.NO_ROOM;
        }
        llama.sequenceCopy(memory, scratch, sequence, from, from + count);
        clear(scratch);
        return StepResult.DONE;
    }

    private void checkSources(List<MemorySegment> sources, int[] tokensHeld, int skip, int count) {
        long held = -skip;
        int bytesPerToken = engine.requireBlob().shape().bytesPerToken();
        for (int i = 0; i < sources.size(); i++) {
            held += tokensHeld[i];
            if (sources.get(i).byteSize() != (long) tokensHeld[i] * bytesPerToken) {
                throw new EngineException(
                        "KV of %d tokens takes %d bytes, not %d"
                                .formatted(
                                        tokensHeld[i],
                                        (long) tokensHeld[i] * bytesPerToken,
                                        sources.get(i).byteSize()));
            }
        }
        if (count < 1 || count > held || skip < 0 || skip >= tokensHeld[0]) {
            throw new EngineException(
                    "cannot take %d tokens of %d after the first %d"
                            .formatted(count, held + skip, skip));
        }
    }

    private List<StateBlob.Source> moved(
            List<MemorySegment> sources, int[] tokensHeld, int[] movedBy) {
        if (movedBy.length != sources.size()) {
            throw new EngineException(
                    "%d sources, but %d moves".formatted(sources.size(), movedBy.length));
        }
        // Neighbouring blocks mostly move by the same distance.
        var copies = new HashMap<Integer, RowCopy>();
        var moved = new ArrayList<StateBlob.Source>();
        for (int i = 0; i < movedBy.length; i++) {
            moved.add(
                    new StateBlob.Source(
                            sources.get(i),
                            tokensHeld[i],
                            copies.computeIfAbsent(movedBy[i], engine::keysMovedBy)));
        }
        return moved;
    }

    @Override
    public void copy(int source, int target, int count) {
        llama.sequenceCopy(memory, checked(source), checked(target), 0, count);
    }

    @Override
    public void truncate(int sequence, int from) {
        llama.sequenceRemove(memory, checked(sequence), from, -1);
    }

    private void clear(int sequence) {
        llama.sequenceRemove(memory, sequence, -1, -1);
    }

    private int checked(int sequence) {
        if (sequence < 0 || sequence >= options.sequences()) {
            throw new EngineException(
                    "sequence %d is not one of 0 to %d"
                            .formatted(sequence, options.sequences() - 1));
        }
        return sequence;
    }

    private int checkedToken(int token) {
        if (token < 0 || token >= engine.model().vocabularySize()) {
            throw new EngineException(
                    "token %d is not one of 0 to %d"
                            .formatted(token, engine.model().vocabularySize() - 1));
        }
        return token;
    }

    @Override
    public void close() {
        llama.contextFree(context);
        compute.close();
        arena.close();
    }
}
