package dev.stator.engine.process;

import dev.stator.engine.Embedder;
import dev.stator.engine.EngineLostException;

/** An embedder in a process of its own. One that was lost has a new process at the next call. */
final class ProcessEmbedder implements Embedder {
    private final ProcessEngine engine;
    private final int threads;
    private Child child;

    ProcessEmbedder(ProcessEngine engine, int threads) {
        this.engine = engine;
        this.threads = threads;
        this.child = open();
    }

    private Child open() {
        var opened = engine.loaded();
        try {
            opened.call(Frame.of(Kind.OPEN_EMBEDDER).put(threads));
            return opened;
        } catch (RuntimeException e) {
            engine.discard(opened);
            throw e;
        }
    }

    /**
     * @throws EngineLostException if the process dies of it
     */
    @Override
    public float[] embed(int[] tokens) {
        if (child.isLost()) {
            engine.discard(child);
            child = open();
        }
        return child.call(
                Frame.of(Kind.EMBED).put(tokens),
                answer -> {
                    float[] vector = new float[answer.takeInt()];
                    for (int i = 0; i < vector.length; i++) {
                        vector[i] = answer.takeFloat();
                    }
                    return vector;
                });
    }

    @Override
    public void close() {
        engine.discard(child);
    }
}
