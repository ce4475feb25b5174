package dev.stator.bench;

import dev.stator.api.documents.Document;
import dev.stator.bench.DocumentQuestions.Conversation;
import dev.stator.bench.DocumentQuestions.Turn;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.regex.Pattern;

/**
 * Pairs of a question that was answered and one that comes later, made of the demonstration model's
 * held-out questions. All changes are mechanical; other words for the same are those that the
 * questions' own generator ({@code demo/train.py}) has for an attribute.
 */
final class QuestionPairs {
    /** What the generator asks an attribute by. */
    private static final List<List<String>> TEMPLATES =
            List.of(
                    List.of(
                            "Who runs %s?",
                            "Who is the manager of %s?",
                            "Who is in charge of %s?",
                            "Who manages %s?"),
                    List.of(
                            "Who founded %s?",
                            "Who was the founder of %s?", "By whom was %s founded?"),
                    List.of(
                            "Where is %s?",
                            "Which town is %s in?",
                            "In which town is %s located?",
                            "Where can I find %s?"),
                    List.of(
                            "When did %s open?",
                            "In what year did %s open?", "Since when has %s been open?"),
                    List.of(
                            "What colour is the door of %s?",
                            "Which colour is the door of %s?", "What is the door colour of %s?"),
                    List.of(
                            "How much is a ticket for %s?",
                            "What does a ticket for %s cost?",
                            "What is the price of entry to %s?",
                            "How much does %s cost?"),
                    List.of(
                            "How long is the refund window of %s?",
                            "Within how many days does %s give refunds?",
                            "How many days do I have for a refund at %s?",
                            "What is the refund window of %s?"),
                    List.of(
                            "What is the phone extension of %s?",
                            "Which extension do I call to reach %s?",
                            "How can I reach %s by phone?"),
                    List.of(
                            "What is %s built of?",
                            "What are the walls of %s made of?", "Which material was used for %s?"),
                    List.of(
                            "What must visitors to %s do?",
                            "What is the rule at %s?", "What does %s ask every guest to do?"),
                    List.of(
                            "What is %s known for?",
                            "What is %s famous for?", "What do people love at %s?"),
                    List.of(
                            "When does %s close?",
                            "What is the closing time of %s?", "Until what time is %s open?"),
                    List.of(
                            "How many people work at %s?",
                            "How large is the staff of %s?", "How many people does %s employ?"),
                    List.of(
                            "What is the cat of %s called?",
                            "What is the name of the cat of %s?", "Which cat lives at %s?"));

    private static final Pattern TITLE_FRAME = Pattern.compile("^(About|Notes on) ");

    /**
     * @param kind how the later question was made
     * @param same whether it asks the same, so that {@code answer} is right for it
     * @param laterDocuments with which it is asked
     */
    record Pair(
            String kind,
            boolean same,
            Conversation conversation,
            String question,
            String answer,
            String later,
            List<Document> laterDocuments) {}

    private final Random random;
    private final List<Pair> pairs = new ArrayList<>();

    private QuestionPairs(long seed) {
        random = new Random(seed);
    }

    /** Of all questions that name what they ask about; follow-ups ("And who runs it?") do not. */
    static List<Pair> of(DocumentQuestions questions, long seed) {
        var made = new QuestionPairs(seed);
        for (var conversation : questions.conversations()) {
            var names =
                    conversation.documents().stream()
                            .map(its -> TITLE_FRAME.matcher(its.title()).replaceFirst(""))
                            .toList();
            for (var turn : conversation.turns()) {
                names.stream()
                        .filter(turn.question()::contains)
                        .findFirst()
                        .ifPresent(name -> made.add(conversation, turn, name, names));
            }
        }
        return made.pairs;
    }

    private void add(Conversation conversation, Turn turn, String name, List<String> names) {
        var asked = turn.question();
        same(conversation, turn, "the same again", asked);
        same(conversation, turn, "white space", "  " + asked.replace(" ", "  ") + "\n");
        same(
                conversation,
                turn,
                "courtesy",
                "Hello, could you please tell me, " + lowerFirst(asked));
        same(conversation, turn, "thanks", asked + " Thanks!");
        same(
                conversation,
                turn,
                "lower case, no question mark",
                stripped(asked).toLowerCase(Locale.ROOT));
        contracted(asked).ifPresent(it -> same(conversation, turn, "contraction", it));
        possessive(asked, name).ifPresent(it -> same(conversation, turn, "possessive", it));
        told(asked).ifPresent(it -> same(conversation, turn, "tell me / what is", it));
        moved(asked, name).ifPresent(it -> same(conversation, turn, "moved", it));
        var group = group(asked, name);
        group.ifPresent(
                own -> {
                    for (var template : own) {
                        var other = template.formatted(name);
                        if (!other.equals(asked)) {
                            same(conversation, turn, "the generator's other words", other);
                        }
                    }
                    var others = TEMPLATES.stream().filter(each -> !each.equals(own)).toList();
                    for (int i = 0; i < 3; i++) {
                        var attribute = any(others);
                        other(
                                conversation,
                                turn,
                                "another attribute",
                                any(attribute).formatted(name));
                    }
                });
        var different = names.stream().filter(each -> !each.equals(name)).toList();
        if (!different.isEmpty()) {
            other(conversation, turn, "another entity", asked.replace(name, any(different)));
        }
        other(
                conversation,
                turn,
                "an entity that is not there",
                asked.replace(name, altered(name)));
        other(conversation, turn, "a condition more", stripped(asked) + " in 1990?");
        years(conversation, turn);
        denied(asked).ifPresent(it -> other(conversation, turn, "negation", it));
        past(asked).ifPresent(it -> other(conversation, turn, "another tense", it));
        version(conversation, turn, asked, "another version of the document");
        version(conversation, turn, asked + " Thanks!", "another version, other words");
    }

    private <T> T any(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    private void same(Conversation conversation, Turn turn, String kind, String later) {
        add(kind, true, conversation, turn.question(), turn.answer(), later);
    }

    private void other(Conversation conversation, Turn turn, String kind, String later) {
        add(kind, false, conversation, turn.question(), turn.answer(), later);
    }

    private void add(
            String kind,
            boolean same,
            Conversation conversation,
            String question,
            String answer,
            String later) {
        pairs.add(
                new Pair(
                        kind,
                        same,
                        conversation,
                        question,
                        answer,
                        later,
                        conversation.documents()));
    }

    private void years(Conversation conversation, Turn turn) {
        var asked = stripped(turn.question());
        add(
                "another number",
                false,
                conversation,
                asked + " in 1990?",
                turn.answer(),
                asked + " in 1991?");
    }

    private void version(Conversation conversation, Turn turn, String later, String kind) {
        var documents =
                conversation.documents().stream()
                        .map(
                                its ->
                                        new Document(
                                                its.id(),
                                                its.title(),
                                                its.text()
                                                        .replace(
                                                                turn.expected(),
                                                                altered(turn.expected())),
                                                its.source()))
                        .toList();
        if (!documents.equals(conversation.documents())) {
            pairs.add(
                    new Pair(
                            kind,
                            false,
                            conversation,
                            turn.question(),
                            turn.answer(),
                            later,
                            documents));
        }
    }

    /** With the last letter or digit replaced by the next. */
    private static String altered(String text) {
        int last = text.length() - 1;
        char end = text.charAt(last);
        return text.substring(0, last)
                + (end == '9' || end == 'z' ? (char) (end - 1) : (char) (end + 1));
    }

    private static String lowerFirst(String text) {
        return text.substring(0, 1).toLowerCase(Locale.ROOT) + text.substring(1);
    }

    private static String stripped(String question) {
        return question.replaceFirst("[?.]$", "");
    }

    private static Optional<String> changed(String before, String after) {
        return Optional.of(after).filter(it -> !it.equals(before));
    }

    private static Optional<String> contracted(String asked) {
        return changed(asked, asked.replaceFirst("^(What|Who|Where|How) is ", "$1's "));
    }

    private static Optional<String> possessive(String asked, String name) {
        var of = Pattern.compile("^What is the ([a-z ]+) of " + Pattern.quote(name) + "\\?$");
        return changed(asked, of.matcher(asked).replaceFirst("What is " + name + "'s $1?"));
    }

    private static Optional<String> told(String asked) {
        return asked.startsWith("Tell me the ")
                ? changed(asked, asked.replaceFirst("^Tell me the (.*)\\.$", "What is the $1?"))
                : changed(asked, asked.replaceFirst("^What is the (.*)\\?$", "Tell me the $1."));
    }

    private static Optional<String> moved(String asked, String name) {
        var end = Pattern.compile("^(.*) (of|for|at) " + Pattern.quote(name) + "\\?$");
        return changed(asked, end.matcher(asked).replaceFirst("$2 " + name + ", $1?"));
    }

    private static Optional<String> denied(String asked) {
        return changed(asked, asked.replaceFirst(" (is|was|are|does|did|must) ", " $1 not "));
    }

    private static Optional<String> past(String asked) {
        return changed(
                asked, asked.replaceFirst(" is ", " was ").replaceFirst(" (does|do) ", " did "));
    }

    private static Optional<List<String>> group(String asked, String name) {
        return TEMPLATES.stream()
                .filter(group -> group.stream().anyMatch(it -> it.formatted(name).equals(asked)))
                .findFirst();
    }
}
