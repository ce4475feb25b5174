package dev.stator.api.answers;

import dev.stator.api.documents.Document;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** How some documents write their words, by the word without case. */
record Spellings(Map<String, Set<String>> byWord) {
    private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{M}]+");

    static Spellings of(List<Document> documents) {
        var spellings = new HashMap<String, Set<String>>();
        for (var document : documents) {
            for (var text : List.of(document.title(), document.text())) {
                WORD.matcher(text)
                        .results()
                        .forEach(
                                found ->
                                        spellings
                                                .computeIfAbsent(
                                                        lower(found.group()), _ -> new HashSet<>())
                                                .add(found.group()));
            }
        }
        return new Spellings(spellings);
    }

    static String lower(String word) {
        return word.toLowerCase(Locale.ROOT);
    }

    /** Whether case may tell two words apart, as in Polish and polish. */
    boolean tellApart(String word) {
        return byWord.getOrDefault(lower(word), Set.of()).size() > 1;
    }
}
