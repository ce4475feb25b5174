package dev.stator.engine;

import java.util.Optional;

/**
 * A loaded model. Thread-safe; its weights are shared by every context opened from it.
 *
 * <p>The caller closes all contexts before the engine.
 */
public interface Engine extends AutoCloseable {
    ModelInfo model();

    Tokenizer tokenizer();

    /**
     * Whether KV may be placed at other positions than it was computed at, as {@link
     * EngineContext#importRows} does when told so. The first call computes a few dozen tokens to
     * find out; its answer is remembered.
     *
     * @return empty if it may; else a sentence without its full stop that says why not
     */
    Optional<String> immovable();

    /**
     * Where most KV that contexts import comes from, and goes to that they export. An engine whose
     * contexts live in other processes has these map it. To be called before contexts are opened.
     */
    default void share(SharedMemory memory) {}

    /**
     * Opens a context with KV memory of its own.
     *
     * @throws EngineException if the memory cannot be had
     */
    default EngineContext open(ContextOptions options) {
        return open(options, Pause.NEVER);
    }

    /** As {@link #open(ContextOptions)}, with steps that pause; an engine may ignore the wish. */
    EngineContext open(ContextOptions options, Pause pause);

    /**
     * Opens a context that embeds texts instead of generating.
     *
     * @throws EngineException if {@link ModelInfo#embeds()} is false
     */
    Embedder openEmbedder(int threads);

    @Override
    void close();
}
