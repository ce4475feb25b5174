package dev.stator.engine.llama;

import static java.lang.foreign.ValueLayout.ADDRESS;

import dev.stator.engine.ContextOptions;
import dev.stator.engine.Embedder;
import dev.stator.engine.Engine;
import dev.stator.engine.EngineContext;
import dev.stator.engine.EngineException;
import dev.stator.engine.ModelInfo;
import dev.stator.engine.Pause;
import dev.stator.engine.Tokenizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** llama.cpp with one model loaded. */
public final class LlamaEngine implements Engine {
    private static final int FLASH_ATTENTION_ON = 1;

    /** Cells and tokens of the context in which the KV format is learnt. */
    private static final int PROBE_CELLS = 256;

    private static final KvMobility NOT_CUT =
            new KvMobility.Immovable("its state cannot be cut into blocks");

    private final Llama llama;
    private final KvType kvType;
    private final MemorySegment model;
    private final MemorySegment vocab;
    private final LlamaTokenizer tokenizer;
    private final Optional<StateBlob> blob;
    private final ModelInfo info;
    private final boolean inHostMemory;
    private final Path file;

    /** Empty until somebody asked. */
    private Optional<KvMobility> mobility = Optional.empty();

    private LlamaEngine(Llama llama, MemorySegment model, LlamaOptions options) {
        this.llama = llama;
        this.model = model;
        this.file = options.model();
        this.kvType = KvType.named(options.kvType());
        this.vocab = llama.modelVocab(model);
        this.tokenizer = new LlamaTokenizer(llama, vocab);
        this.blob = generates(llama, model) ? learnBlob() : Optional.empty();
        this.info =
                describe(llama, model, options, tokenizer.size())
                        .withKv(blob.map(StateBlob::shape));
        this.inHostMemory = options.gpuLayers() == 0 || !llama.offloads();
    }

    /**
     * Loads a model.
     *
     * @throws EngineException with the library's own complaint if the file, the libraries or the
     *     options do not serve
     */
    public static LlamaEngine load(LlamaOptions options) {
        KvType.named(options.kvType());
        var llama = llama(options);
        var model = loadModel(llama, options, false);
        try {
            return new LlamaEngine(llama, model, options);
        } catch (RuntimeException e) {
            llama.modelFree(model);
            throw e;
        }
    }

    static Llama llama(LlamaOptions options) {
        if (!Files.isReadable(options.model())) {
            throw new EngineException("no readable model at " + options.model().toAbsolutePath());
        }
        return new Llama(options.libraries());
    }

    /** The model, or its vocabulary alone; the caller frees it. */
    static MemorySegment loadModel(Llama llama, LlamaOptions options, boolean vocabularyOnly) {
        try (var arena = Arena.ofConfined()) {
            var params = llama.modelDefaults(arena);
            Layouts.putInt(params, Layouts.MODEL_PARAMS, "n_gpu_layers", options.gpuLayers());
            Layouts.putBoolean(params, Layouts.MODEL_PARAMS, "vocab_only", vocabularyOnly);
            if (!options.devices().isEmpty()) {
                Layouts.putAddress(
                        params, Layouts.MODEL_PARAMS, "devices", devices(llama, arena, options));
            }
            var model = llama.modelLoad(arena.allocateFrom(options.model().toString()), params);
            if (model.equals(MemorySegment.NULL)) {
                throw new EngineException(
                        "llama.cpp cannot load %s: %s"
                                .formatted(options.model(), llama.libraries().complaints()));
            }
            return model;
        }
    }

    private static MemorySegment devices(Llama llama, Arena arena, LlamaOptions options) {
        var list = arena.allocate(ADDRESS, options.devices().size() + 1L);
        for (int i = 0; i < options.devices().size(); i++) {
            var name = options.devices().get(i);
            list.setAtIndex(
                    ADDRESS,
                    i,
                    llama.device(name)
                            .orElseThrow(
                                    () ->
                                            new EngineException(
                                                    "the llama.cpp build in %s has no device named '%s'"
                                                            .formatted(
                                                                    llama.libraries().folder(),
                                                                    name))));
        }
        return list;
    }

    static boolean generates(Llama llama, MemorySegment model) {
        var architecture = llama.meta(model, "general.architecture").orElse("");
        return llama.modelFlag("llama_model_has_decoder", model)
                && !llama.modelFlag("llama_model_has_encoder", model)
                && !llama.meta(model, architecture + ".attention.causal")
                        .orElse("true")
                        .equals("false");
    }

    /**
     * Computes one token and looks at its state; the format is proved on this very model instead of
     * assumed.
     */
    private Optional<StateBlob> learnBlob() {
        if (llama.modelFlag("llama_model_is_recurrent", model)
                || llama.modelFlag("llama_model_is_hybrid", model)
                || llama.modelInt("llama_model_n_swa", model) > 0) {
            return Optional.empty();
        }
        try (var arena = Arena.ofConfined();
                var context = new LlamaContextProbe(this, arena)) {
            return StateBlob.learn(context.stateOfOneToken(), kvType.label());
        }
    }

    /** What is known of a model, also if only its vocabulary was loaded. */
    static ModelInfo describe(
            Llama llama, MemorySegment model, LlamaOptions options, int vocabularySize) {
        var architecture = llama.meta(model, "general.architecture").orElse("unknown");
        var file = options.model().getFileName().toString();
        return new ModelInfo(
                file.endsWith(".gguf") ? file.substring(0, file.length() - 5) : file,
                architecture,
                llama.description(model),
                llama.modelLong("llama_model_n_params", model),
                llama.modelLong("llama_model_size", model),
                number(llama, model, "llama_model_n_ctx_train", architecture + ".context_length"),
                vocabularySize,
                number(llama, model, "llama_model_n_embd_out", architecture + ".embedding_length"),
                Optional.empty(),
                Fingerprint.of(
                        options.model(), Layouts.VERSION, KvType.named(options.kvType()).label()),
                llama.chatTemplate(model),
                generates(llama, model),
                llama.meta(model, architecture + ".pooling_type")
                        .filter(type -> !type.equals("0"))
                        .isPresent());
    }

    /** The library has read it only if it has read more than the vocabulary. */
    private static int number(Llama llama, MemorySegment model, String function, String key) {
        int known = llama.modelInt(function, model);
        return known > 0 ? known : llama.meta(model, key).map(Integer::parseInt).orElse(0);
    }

    @Override
    public ModelInfo model() {
        return info;
    }

    @Override
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    @Override
    public Optional<String> immovable() {
        return switch (mobility()) {
            case KvMobility.Movable _ -> Optional.empty();
            case KvMobility.Immovable(var reason) -> Optional.of(reason);
        };
    }

    private synchronized KvMobility mobility() {
        var known = mobility.orElseGet(() -> blob.map(this::tryMoving).orElse(NOT_CUT));
        mobility = Optional.of(known);
        return known;
    }

    private KvMobility tryMoving(StateBlob blob) {
        try {
            var known = new RopeReader(llama, model, file).read(kvType);
            if (known instanceof KvMobility.Movable(var rope)) {
                return new MoveTrial(this, blob.shape(), rope)
                        .complaint()
                        .<KvMobility>map(KvMobility.Immovable::new)
                        .orElse(known);
            }
            return known;
        } catch (EngineException e) {
            return new KvMobility.Immovable("it could not be tried: " + e.getMessage());
        }
    }

    /**
     * How K rows get {@code positions} further on than where they were computed.
     *
     * @throws EngineException if they cannot
     */
    RowCopy keysMovedBy(int positions) {
        if (positions == 0) {
            return RowCopy.PLAIN;
        }
        return switch (mobility()) {
            case KvMobility.Movable(var rope) -> rope.by(positions);
            case KvMobility.Immovable(var reason) ->
                    throw new EngineException("KV cannot be moved: " + reason);
        };
    }

    @Override
    public EngineContext open(ContextOptions options, Pause pause) {
        return new LlamaContext(this, options, pause);
    }

    @Override
    public Embedder openEmbedder(int threads) {
        if (!info.embeds()) {
            throw new EngineException(
                    "the model %s does not declare a pooling, so it does not embed texts"
                            .formatted(info.name()));
        }
        return new LlamaEmbedder(this, threads);
    }

    @Override
    public void close() {
        llama.modelFree(model);
    }

    Llama llama() {
        return llama;
    }

    KvType kvType() {
        return kvType;
    }

    boolean inHostMemory() {
        return inHostMemory;
    }

    /**
     * @throws EngineException if the model file has none
     */
    MemorySegment vocabOfTexts() {
        tokenizer.requireTexts();
        return vocab;
    }

    Optional<StateBlob> blob() {
        return blob;
    }

    StateBlob requireBlob() {
        return blob.orElseThrow(
                () -> new EngineException("the state of this model cannot be cut into blocks"));
    }

    MemorySegment contextParams(Arena arena, int cells, int sequences, int threads) {
        var params = llama.contextDefaults(arena);
        Layouts.putInt(params, Layouts.CONTEXT_PARAMS, "n_ctx", cells);
        Layouts.putInt(params, Layouts.CONTEXT_PARAMS, "n_seq_max", sequences);
        Layouts.putInt(params, Layouts.CONTEXT_PARAMS, "n_threads", threads);
        Layouts.putInt(params, Layouts.CONTEXT_PARAMS, "n_threads_batch", threads);
        Layouts.putInt(params, Layouts.CONTEXT_PARAMS, "type_k", kvType.number);
        Layouts.putInt(params, Layouts.CONTEXT_PARAMS, "type_v", kvType.number);
        Layouts.putInt(params, Layouts.CONTEXT_PARAMS, "flash_attn_type", FLASH_ATTENTION_ON);
        Layouts.putBoolean(params, Layouts.CONTEXT_PARAMS, "kv_unified", true);
        return params;
    }

    /**
     * @throws EngineException if the memory cannot be had
     */
    MemorySegment newContext(MemorySegment params) {
        var context = llama.contextNew(model, params);
        if (context.equals(MemorySegment.NULL)) {
            throw new EngineException(
                    "llama.cpp cannot open a context: %s"
                            .formatted(llama.libraries().complaints()));
        }
        return context;
    }

    /** A throw-away context. */
    private static final class LlamaContextProbe implements AutoCloseable {
        private final LlamaEngine engine;
        private final Arena arena;
        private final MemorySegment context;

        LlamaContextProbe(LlamaEngine engine, Arena arena) {
            this.engine = engine;
            this.arena = arena;
            var params = engine.contextParams(arena, PROBE_CELLS, 1, 1);
            Layouts.putInt(params, Layouts.CONTEXT_PARAMS, "n_batch", PROBE_CELLS);
            this.context = engine.newContext(params);
        }

        MemorySegment stateOfOneToken() {
            var batch = LlamaEmbedder.batch(arena, new int[] {0});
            int result = engine.llama.decode(context, batch);
            if (result != 0) {
                throw new EngineException(
                        "the model cannot compute a single token (%d): %s"
                                .formatted(result, engine.llama.libraries().complaints()));
            }
            var state = arena.allocate(engine.llama.stateSize(context, 0));
            return state.asSlice(0, engine.llama.stateGet(context, state, 0));
        }

        @Override
        public void close() {
            engine.llama.contextFree(context);
        }
    }
}
