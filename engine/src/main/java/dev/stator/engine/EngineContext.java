package dev.stator.engine;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalLong;

/**
 * KV memory and the means to compute with it. Confined to one thread at a time; the worker that
 * steps it owns and closes it.
 *
 * <p>A sequence is a list of cells with positions 0, 1, 2, … A step appends to sequences; {@link
 * #importRows} appends KV that was computed elsewhere; {@link #exportRows} reads KV out. Sequences
 * may share cells after {@link #copy}.
 *
 * <p>All methods but {@link #copy}, {@link #truncate} and {@link #close} may throw {@link
 * EngineLostException}.
 */
public interface EngineContext extends AutoCloseable {
    ContextOptions options();

    /**
     * Whether KV lies in the host's memory, so that importing it is a mere copy between places of
     * equal speed.
     */
    boolean inHostMemory();

    /**
     * Steps of at least so many tokens attend to KV in tiles: each of their tokens takes a fraction
     * of what it takes in a smaller step. 1 if the size of a step makes no such difference.
     */
    int attentionTile();

    /** Compute threads from the next step on. */
    void threads(int threads);

    /**
     * Computes one batch. Afterwards {@link Sampler#sample(int)} may be called for each token that
     * asked for output, until the next step.
     *
     * @return what became of it; on {@link StepResult#NO_ROOM} nothing has changed
     * @throws EngineException on any other failure; the sequences of the batch must then be removed
     */
    StepResult step(Batch batch);

    /**
     * Whether the process that computes is gone, as {@link EngineLostException} says; never where
     * that is this process.
     */
    default boolean isLost() {
        return false;
    }

    /**
     * Gives a lost context a new process and new, empty memory. Samplers of before are of no use
     * any more but to be closed. Takes as long as loading the model.
     *
     * @throws EngineException if that fails; it may be tried again
     */
    default void reopen() {}

    /** The number of the process that computes; empty if it is this one. */
    default OptionalLong process() {
        return OptionalLong.empty();
    }

    /** A sampler bound to this context. The caller closes it. */
    Sampler sampler(SamplingOptions options);

    /**
     * Reads the KV of positions {@code [from, from + n)} in the neutral layout of {@link KvShape},
     * {@code n * bytesPerToken} bytes in all, cut after every {@code blockTokens} tokens: {@code
     * targets} holds one segment a block, the last of which may be shorter. The segments are the
     * caller's.
     *
     * @param tokens n
     */
    void exportRows(
            int sequence, int from, int tokens, int blockTokens, List<MemorySegment> targets);

    /**
     * As {@link #importRows(int, int, List, int[], int, int, int[])}, with KV that was computed at
     * the very positions that it is placed at, from its first token on.
     */
    default StepResult importRows(
            int sequence, int from, List<MemorySegment> sources, int[] tokensHeld, int tokens) {
        return importRows(sequence, from, sources, tokensHeld, 0, tokens, new int[sources.size()]);
    }

    /**
     * Appends KV that was computed elsewhere for the positions from {@code from} on, which must be
     * the sequence's end.
     *
     * @param sources one segment a block in the neutral layout of {@link KvShape}, each laid out
     *     for its own number of tokens
     * @param tokensHeld how many tokens each source is laid out for
     * @param skip tokens of the first source to leave out, fewer than it holds
     * @param tokens how many to take in all: of the last source, only the first ones may be wanted
     * @param movedBy how many positions further on than where its rows were computed each source is
     *     placed; negative is further to the front, 0 takes the rows bit for bit
     * @return {@link StepResult#NO_ROOM} if there are too few free cells; nothing has changed then
     * @throws EngineException if a source is moved though {@link Engine#immovable()} says why it
     *     cannot be
     */
    StepResult importRows(
            int sequence,
            int from,
            List<MemorySegment> sources,
            int[] tokensHeld,
            int skip,
            int tokens,
            int[] movedBy);

    /**
     * Makes {@code target} begin with the cells of {@code source} up to {@code tokens}; no bytes
     * move. {@code target} must be empty.
     */
    void copy(int source, int target, int tokens);

    /** Drops all positions of a sequence from {@code from} on. */
    void truncate(int sequence, int from);

    @Override
    void close();
}
