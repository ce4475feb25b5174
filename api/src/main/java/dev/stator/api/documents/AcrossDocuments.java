package dev.stator.api.documents;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Questions whose answer lies between documents: which compare them, rank them, or mean their
 * order. Documents that were computed apart know nothing of each other, so such questions are
 * answered from exact prompts.
 *
 * <p>Words are English; that several documents are named is seen in any language. A question that
 * needs two documents and does not show it is not found here.
 */
public final class AcrossDocuments {
    private static final int LEAST_TITLE = 3;

    private static final Pattern COMPARES =
            words(
                    "compar(e|es|ed|ing|ison|isons)|contrast(s|ing)?|differ(s|ent|ence|ences)?|versus|vs|in common|contradict(s|ion|ions)?|agree(s)?|conflict(s|ing)?",
                    "both|between .{1,80} and|same .{1,40} as|(more|less|fewer|[a-z]{3,}er) than|as \\w+ as");
    private static final Pattern RANKS =
            words(
                    "rank(s|ed|ing)?|sort(ed)?|in order of|from .{1,40} to (lowest|highest|oldest|newest|smallest|largest)",
                    "(which|who|what|whose)( of)?( \\w+){0,3} (the )?(most|least|fewest|highest|lowest|largest|smallest|biggest|oldest|newest|earliest|latest|cheapest|fastest|longest|shortest|best|worst)(?!-)");
    private static final Pattern ORDER =
            words(
                    "(first|second|third|last|previous|next|following|preceding|above|below) (document|doc|source|passage|text|article)s?",
                    "(documents|docs|sources|passages|texts|articles) (1|2|one|two|above|below)");
    private static final Pattern ALL =
            words(
                    "(all|each|every one|any) of (the|these|those) (document|doc|source|passage|text|article)s",
                    "(across|among|throughout) (all |the |these |those )*(document|doc|source|passage|text|article)s?",
                    "how many (of the )?(document|doc|source|passage|text|article)s|summari[sz]e|overview");

    private AcrossDocuments() {}

    private static Pattern words(String... alternatives) {
        return Pattern.compile("\\b(" + String.join("|", alternatives) + ")\\b");
    }

    /** Why a question needs the documents together; empty if nothing shows that it does. */
    public static Optional<String> reason(List<Document> documents, String question) {
        var asked = question.toLowerCase(Locale.ROOT);
        long named =
                documents.stream()
                        .map(document -> document.title().strip().toLowerCase(Locale.ROOT))
                        .distinct()
                        .filter(title -> title.length() >= LEAST_TITLE && asked.contains(title))
                        .count();
        if (named > 1) {
            return Optional.of("the question names several documents");
        }
        if (COMPARES.matcher(asked).find()) {
            return Optional.of("the question compares");
        }
        if (RANKS.matcher(asked).find()) {
            return Optional.of("the question ranks");
        }
        if (ORDER.matcher(asked).find()) {
            return Optional.of("the question is about the documents' order");
        }
        return ALL.matcher(asked).find()
                ? Optional.of("the question is about all documents")
                : Optional.empty();
    }
}
