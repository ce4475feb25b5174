package dev.stator.api;

import dev.stator.api.chat.Conversation;
import dev.stator.api.chat.ToolChoice;
import dev.stator.api.documents.Document;
import dev.stator.api.documents.Documents;
import dev.stator.api.documents.ReuseMode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A document that a client has stored.
 *
 * @param name unique among all that were ever stored, also of the same id
 * @param document has an id
 * @param system the system prompt of the requests that are going to ask about it
 * @param expires when it is deleted; empty: never
 * @param pinned whether its KV is to stay in the host tier
 */
record StoredDocument(
        String name,
        Owner owner,
        Document document,
        Optional<String> system,
        Instant created,
        Optional<Instant> expires,
        boolean pinned) {
    /**
     * Who can see a document.
     *
     * @param tenant whose API key it came with; empty if none is asked for
     * @param salt of the requests that share its KV
     */
    record Owner(String tenant, String salt) {}

    String id() {
        return document.id().orElseThrow();
    }

    /** What it takes of its tenant's quota. */
    long bytes() {
        return document.text().getBytes(StandardCharsets.UTF_8).length
                + document.title().getBytes(StandardCharsets.UTF_8).length
                + system.map(text -> text.getBytes(StandardCharsets.UTF_8).length).orElse(0);
    }

    /** Whether it differs in nothing that a model reads. */
    boolean readsAs(StoredDocument other) {
        return document.title().equals(other.document.title())
                && document.text().equals(other.document.text())
                && system.equals(other.system);
    }

    /** What stands before it in prompts, and itself. */
    Conversation head() {
        return new Conversation(
                system.map(
                                text ->
                                        List.of(
                                                Map.<String, Object>of(
                                                        "role", "system", "content", text)))
                        .orElse(List.of()),
                List.of(),
                new ToolChoice.None(),
                true,
                false,
                Map.of(),
                Documents.of(List.of(document), ReuseMode.EXACT, false));
    }
}
