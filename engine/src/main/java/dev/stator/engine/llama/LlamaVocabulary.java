package dev.stator.engine.llama;

import dev.stator.engine.ModelInfo;
import dev.stator.engine.Tokenizer;
import java.lang.foreign.MemorySegment;

/**
 * A model's vocabulary and metadata without its weights: for those who tokenise and leave computing
 * to others. Its {@link ModelInfo} has the fingerprint that an engine over the same file has, and
 * no shape of KV.
 */
public final class LlamaVocabulary implements AutoCloseable {
    private final Llama llama;
    private final MemorySegment model;
    private final LlamaTokenizer tokenizer;
    private final ModelInfo info;

    private LlamaVocabulary(Llama llama, MemorySegment model, LlamaOptions options) {
        this.llama = llama;
        this.model = model;
        this.tokenizer = new LlamaTokenizer(llama, llama.modelVocab(model));
        this.info = LlamaEngine.describe(llama, model, options, tokenizer.size());
    }

    /**
     * @throws dev.stator.engine.EngineException with the library's own complaint if the file, the
     *     libraries or the options do not serve
     */
    public static LlamaVocabulary load(LlamaOptions options) {
        var llama = LlamaEngine.llama(options);
        var model = LlamaEngine.loadModel(llama, options, true);
        try {
            return new LlamaVocabulary(llama, model, options);
        } catch (RuntimeException e) {
            llama.modelFree(model);
            throw e;
        }
    }

    public ModelInfo model() {
        return info;
    }

    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /** Nobody may use the tokenizer any more. */
    @Override
    public void close() {
        llama.modelFree(model);
    }
}
