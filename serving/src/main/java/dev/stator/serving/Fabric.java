package dev.stator.serving;

import dev.stator.engine.ModelInfo;
import dev.stator.engine.Tokenizer;
import java.util.List;

/**
 * What the API sees of Stator: tokens in, tokens out. Thread-safe.
 *
 * <p>An interface because the HTTP benchmark puts an instant fabric behind the real API.
 */
public interface Fabric extends AutoCloseable {
    ModelInfo model();

    Tokenizer tokenizer();

    /** The most tokens that prompt and answer may have together. */
    int contextTokens();

    /**
     * Takes a request in, or sheds it. The listener is called from engine threads, one call at a
     * time and in order; it must not block.
     *
     * @throws IllegalArgumentException if prompt and answer cannot fit {@link #contextTokens()}
     */
    Admission submit(GenerationRequest request, GenerationListener listener);

    /** The pooled, normalised embeddings of several token lists; blocks. */
    List<float[]> embed(List<int[]> inputs);

    FabricStats stats();

    /** Stops taking requests; those in flight go on. */
    void drain();

    @Override
    void close();
}
