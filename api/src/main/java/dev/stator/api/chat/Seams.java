package dev.stator.api.chat;

import dev.stator.api.documents.Document;
import dev.stator.api.documents.Documents;
import java.util.ArrayList;
import java.util.List;

/**
 * Where the documents stand in a rendered prompt, if their KV may be spliced. The text is tokenised
 * in pieces that end there, so that a document has the same tokens whatever stands beside it.
 *
 * @param spans in the order of the text, not overlapping
 */
public record Seams(List<Span> spans) {
    static final Seams NONE = new Seams(List.of());

    /** Characters {@code [from, to)}. */
    public record Span(int from, int to) {}

    /**
     * @param byTemplate whether the template has written the documents, in its own way
     */
    static Seams of(String text, Documents documents, boolean byTemplate) {
        if (!documents.reuse().splices()) {
            return NONE;
        }
        var spans = new ArrayList<Span>();
        int end = 0;
        var wanted =
                byTemplate
                        ? documents.written().stream().map(Document::text).toList()
                        : documents.texts();
        for (var each : wanted) {
            var found = find(text, each, end);
            if (found.to > found.from) {
                spans.add(found);
                end = found.to;
            }
        }
        return new Seams(List.copyOf(spans));
    }

    /**
     * Where each document begins, or something before it: the end of the one before where a
     * template may have written more than its text; -1 if it is not found.
     */
    static List<Integer> starts(String text, Documents documents, boolean byTemplate) {
        var starts = new ArrayList<Integer>();
        int end = 0;
        for (int i = 0; i < documents.written().size(); i++) {
            var wanted = byTemplate ? documents.written().get(i).text() : documents.texts().get(i);
            var found = find(text, wanted, end);
            if (found.to > found.from) {
                starts.add(byTemplate ? end : found.from);
                end = found.to;
            } else {
                starts.add(-1);
            }
        }
        return starts;
    }

    /** What a template has changed more than at its edges is not found, and is computed. */
    private static Span find(String text, String document, int after) {
        int at = text.indexOf(document, after);
        if (at >= 0) {
            return new Span(at, at + document.length());
        }
        var stripped = document.strip();
        at = text.indexOf(stripped, after);
        return at < 0 ? new Span(0, 0) : new Span(at, at + stripped.length());
    }

    boolean begins(int at) {
        return spans.stream().anyMatch(span -> span.from == at);
    }

    boolean ends(int at) {
        return spans.stream().anyMatch(span -> span.to == at);
    }

    /** The pieces of the text between all seams; none is empty. */
    List<String> pieces(String text) {
        var pieces = new ArrayList<String>();
        int end = 0;
        for (var span : spans) {
            add(pieces, text, end, span.from);
            add(pieces, text, span.from, span.to);
            end = span.to;
        }
        add(pieces, text, end, text.length());
        return pieces;
    }

    private static void add(List<String> pieces, String text, int from, int to) {
        if (to > from) {
            pieces.add(text.substring(from, to));
        }
    }
}
