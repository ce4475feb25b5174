package dev.stator.api;

import dev.stator.api.StoredDocument.Owner;
import dev.stator.api.documents.Document;
import dev.stator.serving.Texts;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Stored documents in a log that outlives the process. Guarded by the library's lock. */
final class LibraryLog {
    private final Texts.Log log;

    LibraryLog(Texts.Log log) {
        this.log = log;
    }

    /** What was stored and not deleted, in the order in which it was. */
    List<StoredDocument> read() {
        var last = new LinkedHashMap<Map.Entry<Owner, String>, StoredDocument>();
        for (byte[] entry : log.read()) {
            var stored = read(Json.value(new String(entry, StandardCharsets.UTF_8)));
            var key = Map.entry(stored.owner(), stored.id());
            last.remove(key);
            last.put(key, stored);
        }
        return List.copyOf(last.values());
    }

    void put(StoredDocument stored) {
        log.append(Json.bytes(write(stored)));
    }

    /** Something is no longer there: it must not be in the file either. */
    void deleted(Supplier<List<StoredDocument>> rest) {
        log.rewrite(rest.get().stream().map(LibraryLog::write).map(Json::bytes).toList());
    }

    private static ObjectNode write(StoredDocument stored) {
        var json =
                Json.object()
                        .put("name", stored.name())
                        .put("tenant", stored.owner().tenant())
                        .put("salt", stored.owner().salt())
                        .put("id", stored.id())
                        .put("title", stored.document().title())
                        .put("text", stored.document().text())
                        .put("created", stored.created().toEpochMilli())
                        .put("pin", stored.pinned());
        stored.system().ifPresent(text -> json.put("system", text));
        stored.expires().ifPresent(end -> json.put("expires", end.toEpochMilli()));
        return json;
    }

    private static StoredDocument read(JsonNode json) {
        return new StoredDocument(
                json.at("/name").asString(),
                new Owner(json.at("/tenant").asString(), json.at("/salt").asString()),
                document(
                        json.at("/id").asString(),
                        json.at("/title").asString(),
                        json.at("/text").asString()),
                json.has("system") ? Optional.of(json.at("/system").asString()) : Optional.empty(),
                Instant.ofEpochMilli(json.at("/created").asLong()),
                json.has("expires")
                        ? Optional.of(Instant.ofEpochMilli(json.at("/expires").asLong()))
                        : Optional.empty(),
                json.at("/pin").asBoolean());
    }

    /** As templates see it that write documents themselves. */
    static Document document(String id, String title, String text) {
        Map<String, Object> source = new LinkedHashMap<>();
        source.put("id", id);
        source.put("title", title);
        source.put("text", text);
        return new Document(Optional.of(id), title, text, source);
    }
}
