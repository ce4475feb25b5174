package dev.stator.cache.chunk;

import java.util.Objects;

/**
 * Cuts token ids into chunks at places that depend on nothing but a few tokens on either side, so
 * that the same text has the same chunks wherever it stands.
 *
 * <p>A rolling hash looks at the last {@value #WINDOW} tokens. A chunk ends behind a token whose
 * hash is the smallest among the {@value #REACH} before and the {@value #REACH} behind it: the
 * local extrema of remote differential compression (Teodosiu, Bjørner et al., Microsoft Research
 * 2006). A gear hash with a mask, as in FastCDC, needs a least length of chunks, and with it each
 * cut depends on the one before; here none does, and no two are nearer than {@value #REACH} tokens.
 * What is added or removed moves only the cuts within {@value #WINDOW} + {@value #REACH} tokens.
 *
 * <p>A chunk longer than {@value #MOST}, as a text has that repeats a few tokens, is cut there.
 */
public final class Chunker {
    /** Tokens that one hash looks at: 64 bits hold 16 of each. */
    private static final int WINDOW = 4;

    /**
     * Half of the window of the extrema. A run of 64 tokens has to hold a whole chunk in nearly all
     * cases; more than that makes longer chunks, fewer of which have to be remembered.
     */
    private static final int REACH = 5;

    /** Tokens of the longest chunk. */
    public static final int MOST = 64;

    private static final long SPREAD = 0x9E3779B97F4A7C15L;
    private static final long MIX = 0xD6E8FEB86659FD93L;

    /** Hears of chunks, first to last. */
    @FunctionalInterface
    public interface Chunks {
        /**
         * @param key of the tokens {@code [from, to)}, and of nothing else but the seed: equal keys
         *     are equal text nearly always, never surely
         */
        void chunk(int from, int to, long key);
    }

    private Chunker() {}

    /**
     * Cuts {@code tokens[from, to)}; the chunks cover it.
     *
     * @param seed keys of another seed have nothing to do with these
     */
    public static void cut(int[] tokens, int from, int to, long seed, Chunks chunks) {
        Objects.checkFromToIndex(from, to, tokens.length);
        int length = to - from;
        int[] hashes = hashes(tokens, from, length);
        int begin = 0;
        // Two extrema are more than REACH apart: a run of REACH + 1 has at most one.
        for (int run = REACH; run + REACH < length; run += REACH + 1) {
            int least = least(hashes, run, Math.min(run + REACH + 1, length - REACH));
            if (isExtreme(hashes, least)) {
                begin = emit(tokens, from, begin, least + 1, seed, chunks);
            }
        }
        emit(tokens, from, begin, length, seed, chunks);
    }

    private static int[] hashes(int[] tokens, int from, int length) {
        int[] hashes = new int[length];
        long window = 0;
        for (int i = 0; i < length; i++) {
            // 16 bits a token: what is older than the window has been shifted out.
            window = (window << 64 / WINDOW) ^ (tokens[from + i] * MIX >>> 48);
            hashes[i] = (int) (window * SPREAD >>> 32);
        }
        return hashes;
    }

    /** The first of the smallest. */
    private static int least(int[] hashes, int from, int to) {
        int least = from;
        for (int i = from + 1; i < to; i++) {
            if (hashes[i] < hashes[least]) {
                least = i;
            }
        }
        return least;
    }

    /** Of equal ones in reach only the first is, so that text which repeats itself has none. */
    private static boolean isExtreme(int[] hashes, int at) {
        int hash = hashes[at];
        for (int i = 1; i <= REACH; i++) {
            if (hashes[at - i] <= hash || hashes[at + i] < hash) {
                return false;
            }
        }
        return true;
    }

    /**
     * @return where the next chunk begins
     */
    private static int emit(
            int[] tokens, int offset, int begin, int end, long seed, Chunks chunks) {
        int at = begin;
        while (at < end) {
            int next = Math.min(end, at + MOST);
            chunks.chunk(offset + at, offset + next, key(tokens, offset + at, offset + next, seed));
            at = next;
        }
        return end;
    }

    private static long key(int[] tokens, int from, int to, long seed) {
        long key = seed ^ (to - from) * SPREAD;
        for (int i = from; i < to; i++) {
            key = (key ^ tokens[i]) * MIX;
            key ^= key >>> 29;
        }
        return key * SPREAD;
    }
}
