package dev.stator.cache.chunk;

import java.util.Arrays;

/**
 * Token ids that a {@link PassageIndex} remembers, of one salt: a passage, or a prompt that may
 * turn out to hold some. Two of them are the same only if they are one object.
 */
final class Text {
    /** What a chunk costs besides its tokens: its key, its entry in the table. */
    private static final int CHUNK_BYTES = 104;

    private static final int OBJECT_BYTES = 160;

    final String salt;
    final int[] tokens;
    final long[] keys;

    /** False: a prompt, whose parts are no passages before another prompt has them. */
    final boolean known;

    /**
     * @param keys of its chunks
     */
    Text(String salt, int[] tokens, long[] keys, boolean known) {
        this.salt = salt;
        this.tokens = tokens;
        this.keys = keys;
        this.known = known;
    }

    long bytes() {
        return OBJECT_BYTES + 4L * tokens.length + (long) CHUNK_BYTES * keys.length;
    }

    boolean startsLike(int[] other, int length) {
        return length <= tokens.length
                && length <= other.length
                && Arrays.equals(tokens, 0, length, other, 0, length);
    }
}
