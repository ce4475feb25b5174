package dev.stator.api.lint;

import dev.stator.api.LoggedRequest;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Paragraphs of what is asked, or lines where it has no paragraphs: retrieved passages, mostly. */
final class Blocks {
    private static final Pattern PARAGRAPHS = Pattern.compile("(?<=\\n\\n)");
    private static final Pattern LINES = Pattern.compile("(?<=\\n)");

    /** Shorter ones are no passages. */
    private static final int LEAST = 40;

    private final Map<String, Integer> counts = new HashMap<>();

    Blocks(List<LoggedRequest> requests) {
        for (var request : requests) {
            new HashSet<>(cut(Edit.asked(request).orElse("")))
                    .forEach(block -> counts.merge(block.strip(), 1, Integer::sum));
        }
    }

    static List<String> cut(String text) {
        var paragraphs = PARAGRAPHS.split(text);
        return List.of(paragraphs.length > 2 ? paragraphs : LINES.split(text));
    }

    static boolean isLong(String block) {
        return block.strip().length() >= LEAST;
    }

    /** Whether several requests have it, whatever stands around it. */
    boolean isShared(String block) {
        return isLong(block) && counts.getOrDefault(block.strip(), 0) > 1;
    }
}
