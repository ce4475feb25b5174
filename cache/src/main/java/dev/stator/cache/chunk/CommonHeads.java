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
 * <p>KV of a passage is computed behind a head, and found again only behind the same one. Where a
 * chat template says where the instructions end, that is the head as soon as two prompts had it;
 * if it never comes twice, as with a date in it, and where there is no template, it is what all
 * prompts had in common that begin with the same {@value #LEAST} tokens.
 */
public final class CommonHeads {
    /** Tokens of the shortest head. */
    public static final int LEAST = 12;

    private static final int MOST_TOKENS = 8_192;
    private static final int MOST_HEADS = 1_024;

    private record Beginning(String salt, List<Integer> tokens) {}

    private record Whole(String salt, int length, int hash) {}

    private final Map<Beginning, int[]> common = bounded();
    private final Map<Whole, int[]> wholes = bounded();

    private static <K, V> Map<K, V> bounded() {
        return new LinkedHashMap<>(16, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
                return size() > MOST_HEADS;
            }
        };
    }

    /**
     * @param instructions tokens up to the end of what the template has before the first user's
     *     text, if there is a template
     * @return tokens of the head, at most those; 0 if nothing is known yet that is long enough
     */
    public synchronized int of(String salt, int[] prompt, OptionalInt instructions) {
        if (instructions.isPresent() && hasCome(salt, prompt, instructions.getAsInt())) {
            return instructions.getAsInt();
        }
        int shared = shared(salt, prompt);
        return Math.min(shared, instructions.orElse(shared));
    }

    private boolean hasCome(String salt, int[] prompt, int length) {
        if (length < 1) {
            return false;
        }
        int[] head = Arrays.copyOf(prompt, length);
        int[] known = wholes.put(new Whole(salt, length, Arrays.hashCode(head)), head);
        return known != null && Arrays.equals(known, head);
    }

    private int shared(String salt, int[] prompt) {
        if (prompt.length < LEAST) {
            return 0;
        }
        var beginning =
                new Beginning(salt, IntStream.of(prompt).limit(LEAST).boxed().toList());
        int[] known = common.get(beginning);
        if (known == null) {
            common.put(beginning, Arrays.copyOf(prompt, Math.min(prompt.length, MOST_TOKENS)));
            return 0;
        }
        int differs = Arrays.mismatch(known, prompt);
        int length = differs < 0 ? known.length : differs;
        if (length < known.length) {
            common.put(beginning, Arrays.copyOf(known, length));
        }
        return length;
    }
}
