package dev.stator.cluster;

import dev.stator.engine.ModelInfo;
import dev.stator.engine.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A model whose next token follows from all tokens before it: if one is lost, repeated or wrong, so
 * is all that comes after. Each token is a letter.
 */
final class GreedyModel implements Tokenizer {
    static final int VOCABULARY = 512;
    private static final int END = 0;

    /** Tokens below are never drawn: tests begin prompts with them. */
    private static final int FIRST_DRAWN = 32;

    private static final int USUAL_LENGTH = 64;

    static ModelInfo info() {
        return new ModelInfo(
                "greedy",
                "none",
                "",
                0,
                0,
                4096,
                VOCABULARY,
                1,
                Optional.empty(),
                "fingerprint",
                Optional.empty(),
                true,
                false);
    }

    int next(int[] tokens, int count) {
        long hash = count;
        for (int i = 0; i < count; i++) {
            hash = (hash ^ tokens[i]) * 0x9E3779B97F4A7C15L;
            hash ^= hash >>> 29;
        }
        int drawn = (int) Math.floorMod(hash, (long) VOCABULARY - FIRST_DRAWN);
        return drawn < VOCABULARY / USUAL_LENGTH ? END : FIRST_DRAWN + drawn;
    }

    /** The whole answer, its end token included. */
    int[] answer(int[] prompt, int most) {
        int[] tokens = Arrays.copyOf(prompt, prompt.length + most);
        int count = prompt.length;
        do {
            tokens[count] = next(tokens, count);
        } while (tokens[count++] != END && count < tokens.length);
        return Arrays.copyOfRange(tokens, prompt.length, count);
    }

    String text(int token) {
        return token == END ? "" : String.valueOf((char) ('a' + token % 26));
    }

    @Override
    public byte[] bytes(int token, boolean special) {
        return text(token).getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public boolean endsGeneration(int token) {
        return token == END;
    }

    @Override
    public int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
        throw new UnsupportedOperationException("prompts are tokens here");
    }

    @Override
    public String decode(int[] tokens, boolean special) {
        var text = new StringBuilder();
        for (int token : tokens) {
            text.append(text(token));
        }
        return text.toString();
    }

    @Override
    public List<Special> specials() {
        return List.of();
    }

    @Override
    public OptionalInt bos() {
        return OptionalInt.empty();
    }

    @Override
    public OptionalInt eos() {
        return OptionalInt.of(END);
    }

    @Override
    public boolean addsBos() {
        return false;
    }

    @Override
    public int size() {
        return VOCABULARY;
    }
}
