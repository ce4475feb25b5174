package dev.stator.api.answers;

import dev.stator.api.documents.AcrossDocuments;
import dev.stator.api.documents.Documents;
import java.text.Normalizer;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a request asks, as far as its answer depends on it.
 *
 * @param tenant whose API key it came with; empty if none is asked for
 * @param salt of the request: with the tenant, who may be given its answer
 * @param fixed of all that must be the same, to the letter, for an answer to be given again: model,
 *     documents, other messages, how tokens are chosen
 * @param documents as the model reads them
 * @param text of the last user's message
 * @param alone whether nothing of a conversation stands before it but the system prompt
 */
public record Question(
        String tenant,
        String salt,
        Digest fixed,
        Documents documents,
        String text,
        boolean alone,
        AnswerMode mode) {
    private static final Pattern BLANKS = Pattern.compile("[\\s\\u00a0]+");

    /** Where white space may mean something: code, quotations, several lines. */
    private static final Pattern VERBATIM = Pattern.compile("[`\"“”«»„\\n\\r\\u2028\\u2029]");

    /**
     * A text without what never changes what it asks: in Unicode's composed form (NFC, by
     * definition the same text; NFKC would make 2 of ²), without white space at its ends, and with
     * single blanks in one line without quotation marks. Case and punctuation stay.
     */
    static String normalised(String text) {
        var stripped = Normalizer.normalize(text, Normalizer.Form.NFC).strip();
        return VERBATIM.matcher(stripped).find()
                ? stripped
                : BLANKS.matcher(stripped).replaceAll(" ");
    }

    /** The same for the same request. */
    Digest key() {
        return Digest.of(tenant, salt, hex(fixed), "exact", normalised(text));
    }

    /**
     * The same for questions that ask the same in other words; empty for one that only its own
     * answer may be given to.
     */
    Optional<Digest> form() {
        if (mode != AnswerMode.SIMILAR
                || !alone
                || documents.isEmpty()
                || AcrossDocuments.reason(documents.written(), text).isPresent()) {
            return Optional.empty();
        }
        return Form.of(text, documents.written())
                .map(
                        words ->
                                Digest.of(
                                        tenant,
                                        salt,
                                        hex(fixed),
                                        "similar",
                                        String.join("\n", words)));
    }

    private static String hex(Digest its) {
        return "%016x%016x%016x%016x".formatted(its.a(), its.b(), its.c(), its.d());
    }
}
