package dev.stator.api.answers;

import dev.stator.api.documents.Document;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How some documents write their words.
 *
 * @param byWord spellings of a word without case
 * @param ofTitles words of titles, without case: names, which people write as they like
 */
record Spellings(Map<String, Set<String>> byWord, Set<String> ofTitles) {
    private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{M}]+");

    static Spellings of(List<Document> documents) {
        var byWord = new HashMap<String, Set<String>>();
        for (var document : documents) {
            words(document.text())
                    .forEach(
                            word ->
                                    byWord.computeIfAbsent(lower(word), _ -> new HashSet<>())
                                            .add(word));
        }
        return new Spellings(
                byWord,
                documents.stream()
                        .flatMap(document -> words(document.title()))
                        .map(Spellings::lower)
                        .collect(Collectors.toSet()));
    }

    private static Stream<String> words(String text) {
        return WORD.matcher(text).results().map(found -> found.group());
    }

    static String lower(String word) {
        return word.toLowerCase(Locale.ROOT);
    }

    /** Whether case may tell two words apart, as in Polish and polish. */
    boolean tellApart(String word) {
        return byWord.getOrDefault(lower(word), Set.of()).size() > 1
                && !ofTitles.contains(lower(word));
    }
}
