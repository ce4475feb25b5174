package dev.stator.cache.chunk;

/**
 * Where text may be parted. What two prompts have in common often reaches a few tokens into what
 * stands beside it, as the label of each document begins alike; parted there, the label's first
 * tokens would not be seen by its others.
 */
@FunctionalInterface
public interface TextBounds {
    /** The end of a line. */
    int LINE = 2;

    /** The end of a sentence. */
    int SENTENCE = 1;

    /** For token ids that stand for no text. */
    TextBounds UNKNOWN = _ -> 0;

    /** What ends with a token: {@link #LINE}, {@link #SENTENCE}, or 0. */
    int after(int token);
}
