package dev.stator.bench;

import java.util.Arrays;
import java.util.Random;

/** Prompts that nobody has seen before: random tokens of a vocabulary. */
final class Prompts {
    /** Below this, models keep their control tokens. */
    private static final int FIRST_TOKEN = 16;

    private final Random random;
    private final int vocabulary;

    Prompts(int vocabulary, long seed) {
        this.vocabulary = vocabulary;
        this.random = new Random(seed);
    }

    int[] next(int tokens) {
        return random.ints(tokens, FIRST_TOKEN, vocabulary).toArray();
    }

    static int[] joined(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
    }
}
