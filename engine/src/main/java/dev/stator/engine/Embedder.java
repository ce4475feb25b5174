package dev.stator.engine;

/** Turns token lists into vectors. Confined to one thread at a time; the caller closes it. */
public interface Embedder extends AutoCloseable {
    /**
     * @return the pooled embedding, scaled to length 1
     * @throws EngineException if there are more tokens than the model's context
     */
    float[] embed(int[] tokens);

    @Override
    void close();
}
