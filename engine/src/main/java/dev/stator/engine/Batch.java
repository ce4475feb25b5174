package dev.stator.engine;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The tokens of one step: a reusable, growable list of (token, position, sequence, output wanted).
 * Not thread-safe.
 */
public final class Batch {
    private int[] tokens = new int[64];
    private int[] positions = new int[64];
    private int[] sequences = new int[64];
    private boolean[] outputs = new boolean[64];
    private final Map<Integer, Sampler> samplers = new HashMap<>();
    private int size;

    /**
     * @param output whether the logits after this token are wanted
     * @return the token's index, which {@link Sampler#sample(int)} takes
     */
    public int add(int token, int position, int sequence, boolean output) {
        if (size == tokens.length) {
            tokens = Arrays.copyOf(tokens, size * 2);
            positions = Arrays.copyOf(positions, size * 2);
            sequences = Arrays.copyOf(sequences, size * 2);
            outputs = Arrays.copyOf(outputs, size * 2);
        }
        tokens[size] = token;
        positions[size] = position;
        sequences[size] = sequence;
        outputs[size] = output;
        return size++;
    }

    /**
     * Promises that a token's output will be {@linkplain Sampler#sample sampled} by this sampler
     * before it does anything else, unless the step fails or the sampler is closed. So an engine
     * may sample within the step.
     */
    public void willSample(int index, Sampler sampler) {
        samplers.put(index, sampler);
    }

    /** Who will sample a token's output, if that was promised. */
    public Optional<Sampler> sampler(int index) {
        return Optional.ofNullable(samplers.get(index));
    }

    public void clear() {
        samplers.clear();
        size = 0;
    }

    /** Drops the last tokens. */
    public void shrink(int to) {
        size = Math.min(size, to);
        samplers.keySet().removeIf(index -> index >= size);
    }

    public int size() {
        return size;
    }

    public int token(int index) {
        return tokens[index];
    }

    public int position(int index) {
        return positions[index];
    }

    public int sequence(int index) {
        return sequences[index];
    }

    public boolean output(int index) {
        return outputs[index];
    }
}
