package dev.stator.bench;

import dev.stator.api.documents.Document;
import dev.stator.api.documents.QuestionWindows;
import dev.stator.api.documents.Words;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * How alike two questions look by their words, as caches see it that give an answer when questions
 * are alike enough: the cosine of their words, weighed by how few of all questions have them.
 */
final class QuestionLikeness {
    private static final Pattern ASKER =
            Pattern.compile(
                    "\\b(how (many|much|long|large)|what|who|whom|where|when|which|how)\\b");
    private static final Pattern EXACT = Pattern.compile("\\b\\d+\\b|\\bnot\\b|n't\\b");
    private static final int WINDOW = 300;

    private final Words words = new Words();
    private final Map<String, Integer> frequency = new HashMap<>();
    private final int questions;

    QuestionLikeness(List<String> questions) {
        this.questions = questions.size();
        for (var question : questions) {
            words.of(question).forEach(word -> frequency.merge(word, 1, Integer::sum));
        }
    }

    double cosine(String one, String other) {
        var a = words.of(one);
        var b = words.of(other);
        var both = new HashSet<>(a);
        both.retainAll(b);
        return weight(both) / Math.sqrt(weight(a) * weight(b));
    }

    private double weight(Set<String> its) {
        return its.stream()
                .mapToDouble(
                        word -> Math.log(1 + questions / (1.0 + frequency.getOrDefault(word, 0))))
                .map(idf -> idf * idf)
                .sum();
    }

    /**
     * Looser gates than the cache's: the questions are alike, ask by the same word, have the same
     * numbers and negations, and the same of those words that the documents have; and the sentences
     * that they are about overlap. Words that no document has may differ.
     */
    boolean pass(String one, String other, List<Document> documents, double least) {
        if (cosine(one, other) < least || !found(ASKER, one).equals(found(ASKER, other))) {
            return false;
        }
        var said = new HashSet<String>();
        documents.forEach(its -> said.addAll(words.of(its.title() + "\n" + its.text())));
        var a = new HashSet<>(words.of(one));
        a.retainAll(said);
        var b = new HashSet<>(words.of(other));
        b.retainAll(said);
        var texts = documents.stream().map(Document::text).toList();
        var windows = new HashSet<>(QuestionWindows.of(texts, one, WINDOW));
        windows.retainAll(QuestionWindows.of(texts, other, WINDOW));
        return a.equals(b) && found(EXACT, one).equals(found(EXACT, other)) && !windows.isEmpty();
    }

    private static List<String> found(Pattern pattern, String question) {
        return pattern.matcher(question.toLowerCase(Locale.ROOT))
                .results()
                .map(it -> it.group())
                .toList();
    }
}
