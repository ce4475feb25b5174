package dev.stator.api.documents;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Finds what of some passages a question is about: the sentences that share its rare words. Where
 * passages are spliced, these are what must see the passages before them.
 *
 * <p>Words are weighed as in BM25, by how few of the sentences have them; of two sentences with the
 * same words the shorter counts more. That the choice must follow the question is the finding of
 * ProphetKV (arXiv:2602.02579) and QCFuse (arXiv:2606.05875), which look at attention; here the
 * text alone is looked at, before anything is computed.
 */
public final class QuestionWindows {
    private static final Pattern SENTENCE_END =
            Pattern.compile("[.!?]+[\\s\"')\\]]+|[。！？]+[\\s\"'」』”)\\]]*|\\n+");

    /** Above this many characters a sentence costs more than an average one. */
    private static final double USUAL_LENGTH = 80;

    /**
     * Characters {@code [from, to)} of a passage.
     *
     * @param passage its number
     */
    public record Window(int passage, int from, int to) {
        int length() {
            return to - from;
        }
    }

    private record Sentence(Window window, Set<String> words) {}

    private record Scored(Window window, double score) {}

    private QuestionWindows() {}

    /**
     * @param budget the most characters of all windows together
     * @return in the order of the passages, not overlapping
     */
    public static List<Window> of(List<String> passages, String question, int budget) {
        var words = new Words();
        var sentences = new ArrayList<Sentence>();
        for (int i = 0; i < passages.size(); i++) {
            sentences.addAll(sentences(i, passages.get(i), words));
        }
        var asked = words.of(question);
        var frequency = new HashMap<String, Integer>();
        for (var sentence : sentences) {
            for (var word : sentence.words) {
                if (asked.contains(word)) {
                    frequency.merge(word, 1, Integer::sum);
                }
            }
        }
        var best =
                sentences.stream()
                        .map(each -> new Scored(each.window, score(each, frequency, sentences)))
                        .filter(each -> each.score > 0)
                        .sorted(Comparator.comparingDouble(each -> -each.score))
                        .toList();
        var chosen = new ArrayList<Window>();
        int left = budget;
        for (var each : best) {
            if (each.window.length() <= left) {
                left -= each.window.length();
                chosen.add(each.window);
            }
        }
        chosen.sort(Comparator.comparingInt(Window::passage).thenComparingInt(Window::from));
        return chosen;
    }

    private static double score(
            Sentence sentence, Map<String, Integer> frequency, List<Sentence> all) {
        double sum = 0;
        for (var word : sentence.words) {
            int has = frequency.getOrDefault(word, 0);
            if (has > 0) {
                sum += Math.log(1 + (all.size() - has + 0.5) / (has + 0.5));
            }
        }
        return sum / (0.5 + 0.5 * Math.max(1, sentence.window.length() / USUAL_LENGTH));
    }

    private static List<Sentence> sentences(int passage, String text, Words words) {
        var sentences = new ArrayList<Sentence>();
        var ends = SENTENCE_END.matcher(text);
        int from = 0;
        while (from < text.length()) {
            int to = ends.find() ? ends.end() : text.length();
            if (to > from) {
                sentences.add(
                        new Sentence(
                                new Window(passage, from, to), words.of(text.substring(from, to))));
            }
            from = to;
        }
        return sentences;
    }
}
