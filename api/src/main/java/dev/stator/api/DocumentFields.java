package dev.stator.api;

import dev.stator.api.documents.Document;
import dev.stator.api.documents.Documents;
import dev.stator.api.documents.ReuseMode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Checks {@code documents}, and what may be done with them for the sake of reuse. */
final class DocumentFields {
    static final int MOST = 1_000;
    private static final String ID = "[^\\[\\]\\p{Cntrl}]{1,100}";

    private DocumentFields() {}

    /**
     * @param usual the mode if the request does not say one
     * @throws ApiException naming what is wrong
     */
    static Documents of(Fields fields, ReuseMode usual) {
        var reuse = reuse(fields, usual);
        boolean ranked = fields.flag("rank_note", false);
        var sent = fields.objects("documents");
        if (sent.size() > MOST) {
            throw fields.wrong(
                    "documents",
                    "`documents` may hold at most %d, not %d.".formatted(MOST, sent.size()));
        }
        var documents = new ArrayList<Document>();
        var byId = new HashMap<String, Document>();
        for (var each : sent) {
            var document = document(each);
            document.id()
                    .map(id -> byId.putIfAbsent(id, document))
                    .filter(other -> !other.equals(document))
                    .ifPresent(
                            _ -> {
                                throw each.wrong(
                                        "id", "Two different documents have the same `id`.");
                            });
            documents.add(document);
        }
        return Documents.of(documents, reuse, ranked);
    }

    static ReuseMode reuse(Fields fields, ReuseMode usual) {
        return fields.choice("reuse", ReuseMode.labels(), ReuseMode::of).orElse(usual);
    }

    private static Document document(Fields fields) {
        Map<String, Object> source = Json.map(fields.object());
        var id = id(fields);
        if (id.isPresent() && fields.value("text").isEmpty()) {
            return Document.reference(id.get(), source);
        }
        return new Document(id, title(fields), text(fields), source);
    }

    static String text(Fields fields) {
        return fields.string("text")
                .filter(written -> !written.isBlank())
                .orElseThrow(
                        () ->
                                fields.wrong(
                                        "text",
                                        "A document needs `text`, or the `id` of one that was stored with POST /v1/documents."));
    }

    /** Other services' clients number their documents. */
    static Optional<String> id(Fields fields) {
        if (fields.value("id").filter(node -> node.isIntegralNumber()).isPresent()) {
            return Optional.of(Long.toString(fields.longInteger("id").orElseThrow()));
        }
        var id = fields.string("id");
        if (id.isPresent() && !id.get().matches(ID)) {
            throw fields.wrong(
                    "id", "A document's `id` must be 1 to 100 characters without brackets.");
        }
        return id;
    }

    /** One line, perhaps none. */
    static String title(Fields fields) {
        var title = fields.string("title").orElse("");
        if (title.lines().count() > 1) {
            throw fields.wrong("title", "A document's `title` must be one line.");
        }
        return title.strip();
    }
}
