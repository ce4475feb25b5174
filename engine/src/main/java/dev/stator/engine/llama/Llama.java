package dev.stator.engine.llama;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.stator.engine.EngineException;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The functions of llama.h that Stator calls, one method each, named after them.
 *
 * <p>Pointers are {@link MemorySegment}s of length zero. None of these calls checks its arguments:
 * callers do.
 */
final class Llama {
    private static final Linker LINKER = Linker.nativeLinker();

    private final NativeLibraries libraries;
    private final MethodHandle backendDevByName;
    private final MethodHandle modelLoad;
    private final MethodHandle modelFree;
    private final MethodHandle modelGetVocab;
    private final MethodHandle modelMeta;
    private final MethodHandle modelDesc;
    private final MethodHandle modelChatTemplate;
    private final MethodHandle contextNew;
    private final MethodHandle contextFree;
    private final MethodHandle getMemory;
    private final MethodHandle setThreads;
    private final MethodHandle decode;
    private final MethodHandle getLogits;
    private final MethodHandle getEmbeddingsSeq;
    private final MethodHandle memorySeqRm;
    private final MethodHandle memorySeqCp;
    private final MethodHandle memoryClear;
    private final MethodHandle stateSize;
    private final MethodHandle stateGet;
    private final MethodHandle stateSet;
    private final MethodHandle vocabText;
    private final MethodHandle vocabAttr;
    private final MethodHandle vocabIsEog;
    private final MethodHandle tokenize;
    private final MethodHandle tokenToPiece;
    private final MethodHandle detokenize;
    private final MethodHandle chainInit;
    private final MethodHandle chainAdd;
    private final MethodHandle samplerSample;
    private final MethodHandle samplerApply;
    private final MethodHandle samplerAccept;
    private final MethodHandle samplerFree;
    private final MethodHandle supportsGpuOffload;

    /**
     * Opens the libraries in a folder and makes sure that they are the version that these bindings
     * were written for.
     *
     * @throws EngineException if they are missing, another version, or laid out differently
     */
    Llama(Path folder) {
        libraries = NativeLibraries.load(folder);
        verifyVersion();
        backendDevByName = bind("ggml_backend_dev_by_name", ADDRESS, ADDRESS);
        modelLoad = bind("llama_model_load_from_file", ADDRESS, ADDRESS, Layouts.MODEL_PARAMS);
        modelFree = bindVoid("llama_model_free", ADDRESS);
        modelGetVocab = bind("llama_model_get_vocab", ADDRESS, ADDRESS);
        modelMeta =
                bind("llama_model_meta_val_str", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG);
        modelDesc = bind("llama_model_desc", JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG);
        modelChatTemplate = bind("llama_model_chat_template", unbounded(), ADDRESS, ADDRESS);
        contextNew = bind("llama_init_from_model", ADDRESS, ADDRESS, Layouts.CONTEXT_PARAMS);
        contextFree = bindVoid("llama_free", ADDRESS);
        getMemory = bind("llama_get_memory", ADDRESS, ADDRESS);
        setThreads = bindVoid("llama_set_n_threads", ADDRESS, JAVA_INT, JAVA_INT);
        decode = bind("llama_decode", JAVA_INT, ADDRESS, Layouts.BATCH);
        getLogits = bind("llama_get_logits_ith", ADDRESS, ADDRESS, JAVA_INT);
        getEmbeddingsSeq = bind("llama_get_embeddings_seq", ADDRESS, ADDRESS, JAVA_INT);
        memorySeqRm =
                bind("llama_memory_seq_rm", JAVA_BOOLEAN, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT);
        memorySeqCp =
                bindVoid("llama_memory_seq_cp", ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
        memoryClear = bindVoid("llama_memory_clear", ADDRESS, JAVA_BOOLEAN);
        stateSize = bind("llama_state_seq_get_size", JAVA_LONG, ADDRESS, JAVA_INT);
        stateGet =
                bind("llama_state_seq_get_data", JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT);
        stateSet =
                bind("llama_state_seq_set_data", JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT);
        vocabText = bind("llama_vocab_get_text", unbounded(), ADDRESS, JAVA_INT);
        vocabAttr = bind("llama_vocab_get_attr", JAVA_INT, ADDRESS, JAVA_INT);
        vocabIsEog = bind("llama_vocab_is_eog", JAVA_BOOLEAN, ADDRESS, JAVA_INT);
        tokenize =
                bind(
                        "llama_tokenize",
                        JAVA_INT,
                        ADDRESS,
                        ADDRESS,
                        JAVA_INT,
                        ADDRESS,
                        JAVA_INT,
                        JAVA_BOOLEAN,
                        JAVA_BOOLEAN);
        tokenToPiece =
                bind(
                        "llama_token_to_piece",
                        JAVA_INT,
                        ADDRESS,
                        JAVA_INT,
                        ADDRESS,
                        JAVA_INT,
                        JAVA_INT,
                        JAVA_BOOLEAN);
        detokenize =
                bind(
                        "llama_detokenize",
                        JAVA_INT,
                        ADDRESS,
                        ADDRESS,
                        JAVA_INT,
                        ADDRESS,
                        JAVA_INT,
                        JAVA_BOOLEAN,
                        JAVA_BOOLEAN);
        chainInit = bind("llama_sampler_chain_init", ADDRESS, Layouts.CHAIN_PARAMS);
        chainAdd = bindVoid("llama_sampler_chain_add", ADDRESS, ADDRESS);
        samplerSample = bind("llama_sampler_sample", JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
        samplerApply = bindVoid("llama_sampler_apply", ADDRESS, ADDRESS);
        samplerAccept = bindVoid("llama_sampler_accept", ADDRESS, JAVA_INT);
        samplerFree = bindVoid("llama_sampler_free", ADDRESS);
        supportsGpuOffload = bind("llama_supports_gpu_offload", JAVA_BOOLEAN);
    }

    private void verifyVersion() {
        var version =
                call(() -> (MemorySegment) bind("llama_version", unbounded()).invokeExact())
                        .getString(0);
        try (var arena = Arena.ofConfined()) {
            Layouts.verify(version, modelDefaults(arena), contextDefaults(arena));
        }
        if (!matches(version)) {
            throw new EngineException(
                    "the llama.cpp library in %s is %s; Stator was built for %s. Point STATOR_LLAMA_DIR at a build of that version"
                            .formatted(libraries.folder(), version, Layouts.VERSION));
        }
    }

    /**
     * Builds differ in whether they write the v, and append how they were built, e.g. {@code
     * 0.5.0-dev}.
     */
    static boolean matches(String version) {
        var bare = version.replaceFirst("^v", "").replaceFirst("-.*", "");
        return bare.equals(Layouts.VERSION.substring(1));
    }

    NativeLibraries libraries() {
        return libraries;
    }

    // Calls that happen once per model or context are bound where they are used; the rest above.

    MemorySegment modelDefaults(Arena arena) {
        return call(
                () ->
                        (MemorySegment)
                                bind("llama_model_default_params", Layouts.MODEL_PARAMS)
                                        .invoke(arena));
    }

    MemorySegment contextDefaults(Arena arena) {
        return call(
                () ->
                        (MemorySegment)
                                bind("llama_context_default_params", Layouts.CONTEXT_PARAMS)
                                        .invoke(arena));
    }

    Optional<MemorySegment> device(String name) {
        try (var arena = Arena.ofConfined()) {
            var found =
                    call(
                            () ->
                                    (MemorySegment)
                                            backendDevByName.invokeExact(arena.allocateFrom(name)));
            return found.equals(MemorySegment.NULL) ? Optional.empty() : Optional.of(found);
        }
    }

    /** A zero-argument function of the model, such as {@code llama_model_n_embd}. */
    int modelInt(String function, MemorySegment model) {
        return call(() -> (int) bind(function, JAVA_INT, ADDRESS).invokeExact(model));
    }

    long modelLong(String function, MemorySegment model) {
        return call(() -> (long) bind(function, JAVA_LONG, ADDRESS).invokeExact(model));
    }

    float modelFloat(String function, MemorySegment model) {
        return call(() -> (float) bind(function, JAVA_FLOAT, ADDRESS).invokeExact(model));
    }

    boolean modelFlag(String function, MemorySegment model) {
        return call(() -> (boolean) bind(function, JAVA_BOOLEAN, ADDRESS).invokeExact(model));
    }

    int vocabInt(String function, MemorySegment vocab) {
        return call(() -> (int) bind(function, JAVA_INT, ADDRESS).invokeExact(vocab));
    }

    boolean vocabFlag(String function, MemorySegment vocab) {
        return call(() -> (boolean) bind(function, JAVA_BOOLEAN, ADDRESS).invokeExact(vocab));
    }

    MemorySegment modelLoad(MemorySegment path, MemorySegment params) {
        return call(() -> (MemorySegment) modelLoad.invokeExact(path, params));
    }

    void modelFree(MemorySegment model) {
        run(
                () -> {
                    modelFree.invokeExact(model);
                });
    }

    MemorySegment modelVocab(MemorySegment model) {
        return call(() -> (MemorySegment) modelGetVocab.invokeExact(model));
    }

    /** A scalar of the file's metadata as text. */
    Optional<String> meta(MemorySegment model, String key) {
        try (var arena = Arena.ofConfined()) {
            var buffer = arena.allocate(1 << 12);
            int length =
                    call(
                            () ->
                                    (int)
                                            modelMeta.invokeExact(
                                                    model,
                                                    arena.allocateFrom(key),
                                                    buffer,
                                                    buffer.byteSize()));
            return length < 0 ? Optional.empty() : Optional.of(buffer.getString(0));
        }
    }

    String description(MemorySegment model) {
        try (var arena = Arena.ofConfined()) {
            var buffer = arena.allocate(256);
            int ignored = call(() -> (int) modelDesc.invokeExact(model, buffer, buffer.byteSize()));
            return buffer.getString(0);
        }
    }

    Optional<String> chatTemplate(MemorySegment model) {
        var text =
                call(
                        () ->
                                (MemorySegment)
                                        modelChatTemplate.invokeExact(model, MemorySegment.NULL));
        return text.equals(MemorySegment.NULL) ? Optional.empty() : Optional.of(text.getString(0));
    }

    MemorySegment contextNew(MemorySegment model, MemorySegment params) {
        return call(() -> (MemorySegment) contextNew.invokeExact(model, params));
    }

    void contextFree(MemorySegment context) {
        run(
                () -> {
                    contextFree.invokeExact(context);
                });
    }

    MemorySegment memory(MemorySegment context) {
        return call(() -> (MemorySegment) getMemory.invokeExact(context));
    }

    void threads(MemorySegment context, int threads) {
        run(
                () -> {
                    setThreads.invokeExact(context, threads, threads);
                });
    }

    int decode(MemorySegment context, MemorySegment batch) {
        return call(() -> (int) decode.invokeExact(context, batch));
    }

    MemorySegment logits(MemorySegment context, int index) {
        return call(() -> (MemorySegment) getLogits.invokeExact(context, index));
    }

    MemorySegment embeddings(MemorySegment context, int sequence) {
        return call(() -> (MemorySegment) getEmbeddingsSeq.invokeExact(context, sequence));
    }

    boolean sequenceRemove(MemorySegment memory, int sequence, int from, int to) {
        return call(() -> (boolean) memorySeqRm.invokeExact(memory, sequence, from, to));
    }

    void sequenceCopy(MemorySegment memory, int source, int target, int from, int to) {
        run(
                () -> {
                    memorySeqCp.invokeExact(memory, source, target, from, to);
                });
    }

    void memoryClear(MemorySegment memory) {
        run(
                () -> {
                    memoryClear.invokeExact(memory, false);
                });
    }

    long stateSize(MemorySegment context, int sequence) {
        return call(() -> (long) stateSize.invokeExact(context, sequence));
    }

    long stateGet(MemorySegment context, MemorySegment target, int sequence) {
        return call(
                () -> (long) stateGet.invokeExact(context, target, target.byteSize(), sequence));
    }

    long stateSet(MemorySegment context, MemorySegment source, int sequence) {
        return call(
                () -> (long) stateSet.invokeExact(context, source, source.byteSize(), sequence));
    }

    String vocabText(MemorySegment vocab, int token) {
        return call(() -> (MemorySegment) vocabText.invokeExact(vocab, token)).getString(0);
    }

    int vocabAttributes(MemorySegment vocab, int token) {
        return call(() -> (int) vocabAttr.invokeExact(vocab, token));
    }

    boolean endsGeneration(MemorySegment vocab, int token) {
        return call(() -> (boolean) vocabIsEog.invokeExact(vocab, token));
    }

    int tokenize(
            MemorySegment vocab,
            MemorySegment text,
            int length,
            MemorySegment target,
            int capacity,
            boolean addSpecial,
            boolean parseSpecial) {
        return call(
                () ->
                        (int)
                                tokenize.invokeExact(
                                        vocab,
                                        text,
                                        length,
                                        target,
                                        capacity,
                                        addSpecial,
                                        parseSpecial));
    }

    int piece(MemorySegment vocab, int token, MemorySegment target, int capacity, boolean special) {
        return call(
                () -> (int) tokenToPiece.invokeExact(vocab, token, target, capacity, 0, special));
    }

    int detokenize(
            MemorySegment vocab,
            MemorySegment tokens,
            int count,
            MemorySegment target,
            int capacity,
            boolean special) {
        return call(
                () ->
                        (int)
                                detokenize.invokeExact(
                                        vocab, tokens, count, target, capacity, false, special));
    }

    MemorySegment samplerChain() {
        try (var arena = Arena.ofConfined()) {
            var params = arena.allocate(Layouts.CHAIN_PARAMS);
            Layouts.putBoolean(params, Layouts.CHAIN_PARAMS, "no_perf", true);
            return call(() -> (MemorySegment) chainInit.invokeExact(params));
        }
    }

    void samplerAdd(MemorySegment chain, MemorySegment sampler) {
        run(
                () -> {
                    chainAdd.invokeExact(chain, sampler);
                });
    }

    MemorySegment samplerGreedy() {
        return call(() -> (MemorySegment) bind("llama_sampler_init_greedy", ADDRESS).invokeExact());
    }

    MemorySegment samplerDist(int seed) {
        return call(
                () ->
                        (MemorySegment)
                                bind("llama_sampler_init_dist", ADDRESS, JAVA_INT)
                                        .invokeExact(seed));
    }

    MemorySegment samplerTopK(int k) {
        return call(
                () ->
                        (MemorySegment)
                                bind("llama_sampler_init_top_k", ADDRESS, JAVA_INT).invokeExact(k));
    }

    MemorySegment samplerTopP(float p) {
        return call(
                () ->
                        (MemorySegment)
                                bind("llama_sampler_init_top_p", ADDRESS, JAVA_FLOAT, JAVA_LONG)
                                        .invokeExact(p, 1L));
    }

    MemorySegment samplerMinP(float p) {
        return call(
                () ->
                        (MemorySegment)
                                bind("llama_sampler_init_min_p", ADDRESS, JAVA_FLOAT, JAVA_LONG)
                                        .invokeExact(p, 1L));
    }

    MemorySegment samplerTemperature(float temperature) {
        return call(
                () ->
                        (MemorySegment)
                                bind("llama_sampler_init_temp", ADDRESS, JAVA_FLOAT)
                                        .invokeExact(temperature));
    }

    MemorySegment samplerPenalties(
            int vocabulary, int window, float repeat, float frequency, float presence) {
        return call(
                () ->
                        (MemorySegment)
                                bind(
                                                "llama_sampler_init_penalties",
                                                ADDRESS,
                                                JAVA_INT,
                                                JAVA_INT,
                                                JAVA_FLOAT,
                                                JAVA_FLOAT,
                                                JAVA_FLOAT)
                                        .invokeExact(
                                                vocabulary, window, repeat, frequency, presence));
    }

    MemorySegment samplerLogitBias(int vocabulary, int count, MemorySegment biases) {
        return call(
                () ->
                        (MemorySegment)
                                bind(
                                                "llama_sampler_init_logit_bias",
                                                ADDRESS,
                                                JAVA_INT,
                                                JAVA_INT,
                                                ADDRESS)
                                        .invokeExact(vocabulary, count, biases));
    }

    MemorySegment samplerGrammar(MemorySegment vocab, MemorySegment grammar, MemorySegment root) {
        return call(
                () ->
                        (MemorySegment)
                                bind(
                                                "llama_sampler_init_grammar",
                                                ADDRESS,
                                                ADDRESS,
                                                ADDRESS,
                                                ADDRESS)
                                        .invokeExact(vocab, grammar, root));
    }

    int sample(MemorySegment chain, MemorySegment context, int index) {
        return call(() -> (int) samplerSample.invokeExact(chain, context, index));
    }

    void samplerApply(MemorySegment sampler, MemorySegment candidates) {
        run(
                () -> {
                    samplerApply.invokeExact(sampler, candidates);
                });
    }

    void samplerAccept(MemorySegment sampler, int token) {
        run(
                () -> {
                    samplerAccept.invokeExact(sampler, token);
                });
    }

    void samplerFree(MemorySegment sampler) {
        run(
                () -> {
                    samplerFree.invokeExact(sampler);
                });
    }

    /** Whether this build can put layers and their KV on another device. */
    boolean offloads() {
        return call(() -> (boolean) supportsGpuOffload.invokeExact());
    }

    private static AddressLayout unbounded() {
        return ADDRESS.withTargetLayout(
                MemoryLayout.sequenceLayout(
                        Long.MAX_VALUE, java.lang.foreign.ValueLayout.JAVA_BYTE));
    }

    private MethodHandle bind(String function, MemoryLayout result, MemoryLayout... arguments) {
        return LINKER.downcallHandle(
                libraries.function(function), FunctionDescriptor.of(result, arguments));
    }

    private MethodHandle bindVoid(String function, MemoryLayout... arguments) {
        return LINKER.downcallHandle(
                libraries.function(function), FunctionDescriptor.ofVoid(arguments));
    }

    private interface Downcall<T> {
        T invoke() throws Throwable;
    }

    private interface VoidDowncall {
        void invoke() throws Throwable;
    }

    private static <T> T call(Downcall<T> downcall) {
        try {
            return downcall.invoke();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new EngineException("a call into llama.cpp failed", e);
        }
    }

    private static void run(VoidDowncall downcall) {
        try {
            downcall.invoke();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new EngineException("a call into llama.cpp failed", e);
        }
    }
}
