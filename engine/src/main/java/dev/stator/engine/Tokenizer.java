package dev.stator.engine;

import java.util.List;
import java.util.OptionalInt;

/** Text to tokens and back. Thread-safe. */
public interface Tokenizer {
    /**
     * @param addSpecial add what the model wants around a text (a BOS token, mostly)
     * @param parseSpecial read the text of special tokens as those tokens
     */
    int[] encode(String text, boolean addSpecial, boolean parseSpecial);

    /**
     * The bytes that a token stands for; a token may end inside a UTF-8 character. Special tokens
     * yield their text only if asked.
     */
    byte[] bytes(int token, boolean special);

    /** The text of tokens; incomplete UTF-8 becomes U+FFFD. */
    String decode(int[] tokens, boolean special);

    /** Whether generation ends with this token. */
    boolean endsGeneration(int token);

    /**
     * The control and user-defined tokens that {@link #encode} recognises in text when {@code
     * parseSpecial} is set.
     */
    List<Special> specials();

    /** A token with a text of its own that is matched before any other tokenisation. */
    record Special(int token, String text) {}

    OptionalInt bos();

    OptionalInt eos();

    /** Whether {@code encode(…, addSpecial = true, …)} puts the BOS token first. */
    boolean addsBos();

    int size();
}
