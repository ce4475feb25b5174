package dev.stator.cache.chunk;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * The beginnings that prompts share: instructions, before anything that changes from one to the
 * next. Thread-safe, bounded.
 *
 * <p>KV of a passage is computed behind a head, and found again only behind the same one: a longer
 * one is nearer to what the passage then stands behind, a shorter one is had by more prompts. Where
 * it is known where the instructions end, that is the head if enough of the prompts that begin with
 * the same {@value #LEAST} tokens have them; else, as where there is a date in them, it is what all
 * of these have in common.
 */
public final class CommonHeads {
    /** Tokens of the shortest head. */
    public static final int LEAST = 12;

    /** The part of the prompts that begin alike which must have whole instructions in common. */
    private static final double ENOUGH = 2 / 3.0;

    private static final int MOST_TOKENS = 8_192;
    private static final int MOST_HEADS = 1_024;

    private record Beginning(String salt, List<Integer> tokens) {}

    private record Whole(String salt, int length, int hash) {}

    /** Prompts that began alike, and what all of them had in common. */
    private static final class Common {
        private int[] tokens;
        private int prompts;

        Common(int[] tokens) {
            this.tokens = tokens;
        }
    }

    private final Map<Beginning, Common> commons = bounded();
    private final Map<Whole, Integer> wholes = bounded();

    private static <K, V> Map<K, V> bounded() {
        return new LinkedHashMap<>(16, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
                return size() > MOST_HEADS;
            }
        };
    }

    /**
     * @param instructions tokens of them, if it is known where they end
     * @return tokens of the head, at most those; 0 if nothing is known yet that is long enough
     */
    public synchronized int of(String salt, int[] prompt, OptionalInt instructions) {
        int whole = instructions.orElse(prompt.length);
        if (prompt.length < LEAST || whole < LEAST) {
            return 0;
        }
        var beginning = new Beginning(salt, IntStream.of(prompt).limit(LEAST).boxed().toList());
        var common = commons.computeIfAbsent(beginning, _ -> new Common(prompt.clone()));
        common.prompts++;
        int shared = shared(common, prompt);
        if (instructions.isPresent()) {
            int hash = Arrays.hashCode(Arrays.copyOf(prompt, whole));
            int times = wholes.merge(new Whole(salt, whole, hash), 1, Integer::sum);
            if (times > 1 && times >= ENOUGH * common.prompts) {
                return whole;
            }
        }
        return common.prompts == 1 ? 0 : Math.min(shared, whole);
    }

    /** Shortens what is in common to what this prompt has of it. */
    private static int shared(Common common, int[] prompt) {
        int differs = Arrays.mismatch(common.tokens, prompt);
        int length = Math.min(MOST_TOKENS, differs < 0 ? common.tokens.length : differs);
        if (length < common.tokens.length) {
            common.tokens = Arrays.copyOf(common.tokens, length);
        }
        return length;
    }
}
