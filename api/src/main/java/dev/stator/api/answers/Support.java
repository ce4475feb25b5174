package dev.stator.api.answers;

import dev.stator.api.documents.Documents;
import dev.stator.api.documents.QuestionWindows;
import dev.stator.api.documents.Words;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Whether the documents say what an answer says, at the sentences that the question is about: its
 * numbers and names all, of its other words half, what it cites among the documents there. An
 * answer that denies is not found in a text so, and has no support.
 */
final class Support {
    /** Characters of all sentences that a question is held to be about. */
    private static final int WINDOWS = 1_000;

    private static final Pattern CITATION = Pattern.compile("\\[doc ([^\\[\\]]+)\\]");
    private static final Pattern SENTENCE_END = Pattern.compile("(?<=[.!?])\\s+");
    private static final Pattern WORD =
            Pattern.compile("[\\p{L}\\p{M}\\p{N}]+(?:[.,:/-][\\p{L}\\p{M}\\p{N}]+)*");
    private static final Pattern DENIAL =
            Pattern.compile("\\b(no|not|nor|none|never|nothing|cannot|without)\\b|n['’]t\\b");

    /** Words that say nothing of their own. */
    private static final Set<String> EMPTY =
            Set.of(
                    "a", "an", "the", "and", "or", "of", "in", "on", "at", "to", "by", "for",
                    "from", "with", "as", "is", "are", "was", "were", "be", "been", "has", "have",
                    "had", "do", "does", "did", "it", "its", "this", "that", "there");

    private Support() {}

    static boolean holds(String answer, String question, Documents documents) {
        var texts = documents.written().stream().map(each -> each.text()).toList();
        var windows = QuestionWindows.of(texts, question, WINDOWS);
        var evidence = new StringBuilder(question);
        var about = new HashSet<Integer>();
        for (var window : windows) {
            if (about.add(window.passage())) {
                evidence.append('\n').append(documents.written().get(window.passage()).title());
            }
            evidence.append('\n').append(texts.get(window.passage()), window.from(), window.to());
        }
        var names = documents.names();
        var citable = about.stream().map(names::get).collect(Collectors.toSet());
        return !windows.isEmpty()
                && !DENIAL.matcher(answer.toLowerCase(Locale.ROOT)).find()
                && CITATION.matcher(answer).results().allMatch(it -> citable.contains(it.group(1)))
                && says(evidence.toString(), CITATION.matcher(answer).replaceAll(" "));
    }

    private static boolean says(String evidence, String answer) {
        var spelled = words(evidence).stream().map(Spellings::lower).collect(Collectors.toSet());
        var stems = new Words();
        var known = stems.of(evidence);
        int asked = 0;
        int found = 0;
        for (var sentence : SENTENCE_END.split(answer)) {
            var words = words(sentence);
            for (int i = 0; i < words.size(); i++) {
                var word = words.get(i);
                if (isExact(word, i == 0)) {
                    if (!spelled.contains(Spellings.lower(word))) {
                        return false;
                    }
                } else if (!EMPTY.contains(Spellings.lower(word))) {
                    asked++;
                    found += known.containsAll(stems.of(word)) ? 1 : 0;
                }
            }
        }
        return !words(answer).isEmpty() && 2 * found >= asked;
    }

    /** A number or a name; at a sentence's beginning every word looks like one. */
    private static boolean isExact(String word, boolean first) {
        return word.chars().anyMatch(Character::isDigit)
                || (!first && Character.isUpperCase(word.codePointAt(0)));
    }

    private static List<String> words(String text) {
        var words = new ArrayList<String>();
        WORD.matcher(text).results().forEach(found -> words.add(found.group()));
        return words;
    }
}
