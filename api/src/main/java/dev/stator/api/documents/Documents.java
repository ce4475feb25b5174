package dev.stator.api.documents;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The documents of a request.
 *
 * @param given as the client sent them, best first
 * @param written as the model reads them
 * @param ranked whether the client's order tells how relevant they are and is to be written, where
 *     another is
 */
public record Documents(
        List<Document> given, List<Document> written, ReuseMode reuse, boolean ranked) {
    public static final Documents NONE = of(List.of(), ReuseMode.EXACT, false);

    public Documents {
        given = List.copyOf(given);
        written = List.copyOf(written);
    }

    /** As they were sent. */
    public static Documents of(List<Document> given, ReuseMode reuse, boolean ranked) {
        return new Documents(given, given, reuse, ranked);
    }

    /** The same with one more document. */
    public Documents followedBy(Document next) {
        return new Documents(with(given, next), with(written, next), reuse, ranked);
    }

    private static List<Document> with(List<Document> all, Document next) {
        return Stream.concat(all.stream(), Stream.of(next)).toList();
    }

    /** The same, of which another mode is allowed. */
    public Documents in(ReuseMode mode) {
        return new Documents(given, written, mode, ranked);
    }

    public boolean isEmpty() {
        return given.isEmpty();
    }

    /**
     * The same in the order that lets the most be reused, each once. Where they are no set the
     * order stays; it costs no reuse where they are spliced.
     *
     * @param head see {@link DocumentOrder#arrange}
     * @param salt of the request: prompts of other salts tell it nothing
     */
    public Documents arranged(DocumentOrder order, long head, String salt) {
        if (reuse == ReuseMode.EXACT) {
            return this;
        }
        var set = given.stream().distinct().toList();
        if (reuse.splices()) {
            return new Documents(given, set, reuse, ranked);
        }
        var items =
                set.stream()
                        .map(each -> new DocumentOrder.Item(each.key(salt), each.text().length()))
                        .toList();
        var best = Arrays.stream(order.arrange(head, items)).mapToObj(set::get).toList();
        return new Documents(given, best, reuse, ranked);
    }

    /** What the model can cite them by, as they are written. */
    public List<String> names() {
        return IntStream.range(0, written.size()).mapToObj(this::name).toList();
    }

    /** A place in a list says which is meant; in a set places change, and with them all reuse. */
    private String name(int i) {
        var document = written.get(i);
        return reuse == ReuseMode.EXACT
                ? document.id().orElse(Integer.toString(i + 1))
                : document.name();
    }

    /** All of them, for templates that have no place for documents; ends with a line break. */
    public String text() {
        return String.join("", texts());
    }

    /** Each of them as {@link #text} has it. */
    public List<String> texts() {
        return IntStream.range(0, written.size()).mapToObj(this::text).toList();
    }

    private String text(int i) {
        var document = written.get(i);
        return "[doc %s] %s".formatted(name(i), document.title()).stripTrailing()
                + "\n"
                + document.text().strip()
                + "\n";
    }

    /**
     * The client's order, if it is to be told; empty otherwise. It stands behind the documents:
     * before them or in them it would make every prompt another one. That large models answer
     * better with it than without is ContextPilot's finding; a small one may never have seen such a
     * line.
     */
    public String note() {
        if (reuse != ReuseMode.EXACT_REORDER || !ranked || written.size() < 2) {
            return "";
        }
        return given.stream()
                .distinct()
                .map(document -> "[doc " + document.name() + "]")
                .collect(Collectors.joining(", ", "Most relevant first: ", ".\n"));
    }
}
