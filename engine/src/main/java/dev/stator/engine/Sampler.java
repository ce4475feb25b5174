package dev.stator.engine;

/**
 * Chooses tokens for one answer and remembers what it chose (penalties, grammar, random state).
 * Confined to its context's thread.
 */
public interface Sampler extends AutoCloseable {
    /**
     * Chooses the token that follows the batch's {@code index}-th token of the last step, and
     * accepts it.
     */
    Sampled sample(int index);

    /**
     * How sure the model is of what follows the batch's {@code index}-th token of the last step.
     */
    Certainty certainty(int index);

    /**
     * Takes a token as chosen that was chosen elsewhere: penalties and grammar go on after it.
     *
     * @throws EngineException if the grammar does not allow it
     */
    void accept(int token);

    @Override
    void close();
}
