package dev.stator.api.answers;

import dev.stator.api.documents.Document;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a question asks, without how it is put: two questions of one form differ in courtesies,
 * contractions, "the", the end's punctuation, case where the documents do not tell words apart by
 * it, and in "X's Y" for "the Y of X". All other words, numbers and signs are the same, in the same
 * order: one that is not may make it another question, and no list of synonyms says otherwise for
 * every text ("Who runs it?", "Who founded it?").
 *
 * <p>Words are English; a question in another language has a form, too, only fewer others share it.
 */
final class Form {
    private static final int LONGEST = 500;

    /** Quotations and code are compared to the letter, which {@link Question#key} does. */
    private static final Pattern VERBATIM = Pattern.compile("[`\"“”«»„‘\\n\\r\\u2028\\u2029]");

    private static final Pattern GREETING =
            courtesy("^(hi|hello|hey|good (morning|afternoon|evening|day))( there)?\\s*[,!.]\\s*");
    private static final Pattern ASKING =
            courtesy(
                    "^((please|kindly)[\\s,]+)?((can|could|would|will) you (please |kindly )?(tell me|let me know)[,:]?|i( would|'d) like to know[,:]?|i want to know[,:]?|please|kindly)[\\s,]+");
    private static final Pattern THANKS =
            courtesy(
                    "([\\s,.?!]+(?<!\\bto )please|\\s*[,.?!]\\s*(please|thanks|thank you( very much)?|many thanks))[\\s.?!]*$");
    private static final Pattern TELL = courtesy("^(tell|give) me (?=the )");
    private static final Pattern NAMES = courtesy("^(?=the )");

    private static final Pattern TOKEN =
            Pattern.compile("[\\p{L}\\p{M}\\p{N}_]+(?:['.,:/-][\\p{L}\\p{M}\\p{N}_]+)*|\\S");
    private static final Set<String> ENDS = Set.of(".", "?", "!", "…");

    private static final Set<String> ASKERS = Set.of("what", "who", "where", "when", "how");
    private static final Set<String> BE = Set.of("is", "are", "was", "were");
    private static final Set<String> NO_OWNERS =
            Set.of("it's", "he's", "she's", "that's", "there's", "here's", "let's");
    private static final Map<String, List<String>> SHORT =
            Map.of(
                    "cannot", List.of("can", "not"),
                    "can't", List.of("can", "not"),
                    "won't", List.of("will", "not"));

    /** With one of these, what belongs to whom is not seen by words alone. */
    private static final Set<String> BINDING =
            Set.of(
                    "and", "as", "at", "by", "for", "from", "in", "of", "on", "or", "that", "to",
                    "when", "where", "which", "who", "with", "without", ",");

    private static final String OWNS = "'s";

    private Form() {}

    private static Pattern courtesy(String regex) {
        return Pattern.compile(regex, Pattern.CASE_INSENSITIVE);
    }

    /**
     * The words of a question's form; empty if none can be told: it is empty, long, has several
     * lines, or quotes.
     */
    static Optional<List<String>> of(String question, List<Document> documents) {
        var text = Question.normalised(question).replace('’', '\'');
        if (text.length() > LONGEST || VERBATIM.matcher(text).find()) {
            return Optional.empty();
        }
        var words = tokens(plain(text));
        if (words.isEmpty() || words.contains("'")) {
            return Optional.empty();
        }
        // Only now, as it reads them all.
        var spellings = Spellings.of(documents);
        var spelled = new ArrayList<String>();
        for (var word : words) {
            for (var part : expanded(word)) {
                spelled.add(folded(part, spelled.isEmpty(), spellings));
            }
        }
        spelled.removeIf("the"::equals);
        return spelled.isEmpty() ? Optional.empty() : Optional.of(owned(spelled));
    }

    /** Without courtesies. */
    private static String plain(String text) {
        var bare = text;
        String before;
        do {
            before = bare;
            bare = THANKS.matcher(bare).replaceFirst("");
            bare = GREETING.matcher(bare).replaceFirst("");
            var asked = ASKING.matcher(bare).replaceFirst("");
            bare = asked.equals(bare) ? bare : NAMES.matcher(asked).replaceFirst("what is ");
            bare = TELL.matcher(bare).replaceFirst("what is ");
        } while (!bare.equals(before));
        return bare;
    }

    private static List<String> tokens(String text) {
        var tokens = new ArrayList<String>();
        TOKEN.matcher(text).results().forEach(found -> tokens.add(found.group()));
        while (!tokens.isEmpty() && ENDS.contains(tokens.getLast())) {
            tokens.removeLast();
        }
        return tokens;
    }

    private static String folded(String word, boolean first, Spellings spellings) {
        boolean shouted = word.length() > 1 && word.equals(word.toUpperCase(Locale.ROOT));
        // A capital in the midst is a name's, as in The Who.
        boolean named = !first && (word.equals("The") || spellings.tellApart(word));
        if (shouted || named) {
            return word;
        }
        return Spellings.lower(word);
    }

    private static List<String> expanded(String word) {
        var lower = Spellings.lower(word);
        if (SHORT.containsKey(lower)) {
            return SHORT.getOrDefault(lower, List.of());
        }
        if (lower.endsWith("n't")) {
            return List.of(word.substring(0, word.length() - 3), "not");
        }
        if (!lower.endsWith(OWNS) || NO_OWNERS.contains(lower)) {
            return List.of(word);
        }
        var base = word.substring(0, word.length() - OWNS.length());
        return List.of(base, ASKERS.contains(Spellings.lower(base)) ? "is" : OWNS);
    }

    /** "What is X's Y" as "what is Y of X". */
    private static List<String> owned(List<String> words) {
        if (words.size() < 5
                || !ASKERS.contains(words.get(0))
                || !BE.contains(words.get(1))
                || !words.contains(OWNS)
                || words.stream().skip(2).anyMatch(BINDING::contains)) {
            return words;
        }
        var form = new ArrayList<>(words.subList(0, 2));
        int end = words.size();
        for (int i = words.size() - 1; i >= 2; i--) {
            if (words.get(i).equals(OWNS)) {
                form.addAll(words.subList(i + 1, end));
                form.add("of");
                end = i;
            }
        }
        form.addAll(words.subList(2, end));
        return form;
    }
}
