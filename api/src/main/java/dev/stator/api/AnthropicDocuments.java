package dev.stator.api;

import dev.stator.api.documents.Document;
import dev.stator.api.documents.Documents;
import dev.stator.api.documents.ReuseMode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The document blocks of a request to Anthropic's API, behind the {@code documents} that it may
 * have as chat completions do.
 */
final class AnthropicDocuments {
    private final Fields request;
    private final Documents sent;
    private final List<Document> all;

    /**
     * @throws ApiException naming what is wrong
     */
    AnthropicDocuments(Fields request, ReuseMode usual) {
        this.request = request;
        this.sent = DocumentFields.of(request, usual);
        this.all = new ArrayList<>(sent.given());
    }

    /**
     * @param block of type {@code document}
     */
    void add(Fields block) {
        if (block.object("citations").filter(its -> its.flag("enabled", false)).isPresent()) {
            throw block.wrong(
                    "citations",
                    "`citations` are not supported: documents are named [doc 1], [doc 2], …, by which"
                            + " the model may cite them in its text.");
        }
        var stored = stored(block);
        if (stored.isPresent()) {
            add(stored.get());
            return;
        }
        var text = text(block);
        if (text.isBlank()) {
            throw block.wrong("source", "A document needs text.");
        }
        var title = DocumentFields.title(block);
        var context = block.string("context").filter(its -> !its.isBlank());
        var whole = context.map(its -> its.strip() + "\n\n" + text).orElse(text);
        Map<String, Object> source = new LinkedHashMap<>();
        source.put("title", title);
        source.put("text", whole);
        add(new Document(Optional.empty(), title, whole, source));
    }

    /** What Anthropic's API calls a file is a document that was stored here. */
    private static Optional<Document> stored(Fields block) {
        return block.object("source")
                .filter(source -> source.string("type").filter("file"::equals).isPresent())
                .map(
                        source ->
                                Document.reference(
                                        source.string("file_id")
                                                .orElseThrow(
                                                        () ->
                                                                source.wrong(
                                                                        "file_id",
                                                                        "A source of type \"file\" needs a `file_id`.")),
                                        Map.of()));
    }

    private void add(Document document) {
        all.add(document);
        if (all.size() > DocumentFields.MOST) {
            throw request.wrong(
                    "messages",
                    "A request may have at most %d documents.".formatted(DocumentFields.MOST));
        }
    }

    private static String text(Fields block) {
        var source =
                block.object("source")
                        .orElseThrow(
                                () -> block.wrong("source", "A document block needs a `source`."));
        var type =
                source.string("type")
                        .orElseThrow(
                                () -> source.wrong("type", "A document's source needs a `type`."));
        return switch (type) {
            case "text" -> plain(source);
            case "content" -> content(source);
            case "base64", "url" ->
                    throw source.wrong(
                            "type",
                            "The server reads no %s; send the document's text, as a source of type \"text\" or \"content\"."
                                    .formatted(
                                            type.equals("base64")
                                                    ? "PDF and no other binary file"
                                                    : "documents from URLs"));
            default ->
                    throw source.wrong(
                            "type",
                            "A document's source must be of type \"text\" or \"content\", not \"%s\"."
                                    .formatted(type.length() > 60 ? "…" : type));
        };
    }

    private static String plain(Fields source) {
        source.choice("media_type", List.of("text/plain"), name -> name);
        return source.string("data")
                .orElseThrow(() -> source.wrong("data", "A source of type \"text\" needs `data`."));
    }

    private static String content(Fields source) {
        var content =
                source.value("content")
                        .orElseThrow(
                                () ->
                                        source.wrong(
                                                "content",
                                                "A source of type \"content\" needs `content`."));
        if (content.isString()) {
            return content.stringValue();
        }
        if (!content.isArray()) {
            throw source.type("content", "a string or an array of text blocks", content);
        }
        var texts = new ArrayList<String>();
        for (var part : source.objects("content")) {
            part.need(
                    part.choice("type", List.of("text"), name -> name),
                    "type",
                    "A document's content must be blocks of type \"text\".");
            texts.add(
                    part.string("text")
                            .orElseThrow(
                                    () ->
                                            part.wrong(
                                                    "text",
                                                    "A block of type \"text\" needs `text`.")));
        }
        return String.join("\n", texts);
    }

    /** All of them, those of messages in the order in which they came. */
    Documents documents() {
        return Documents.of(all, sent.reuse(), sent.ranked());
    }
}
