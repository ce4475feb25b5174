package dev.stator.api.documents;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class DocumentsTest {
    private static final Document ALPHA = document("a", "Alpha", "First letter.");
    private static final Document BETA = document("b", "Beta", "Second letter.");
    private static final Document NAMELESS =
            new Document(Optional.empty(), "", "No name.", Map.of("text", "No name."));

    private final DocumentOrder order = new DocumentOrder(100);

    private static Document document(String id, String title, String text) {
        return new Document(Optional.of(id), title, text, Map.of("id", id, "text", text));
    }

    @Test
    void aListIsWrittenAsItIs() {
        order.arrange(0, List.of(new DocumentOrder.Item(BETA.key(""), 1)));

        var documents =
                Documents.of(List.of(ALPHA, BETA, BETA), ReuseMode.EXACT, true)
                        .arranged(order, 0, "");

        assertThat(documents.written()).containsExactly(ALPHA, BETA, BETA);
        assertThat(documents.note()).isEmpty();
        assertThat(documents.text())
                .isEqualTo(
                        "[doc a] Alpha\nFirst letter.\n[doc b] Beta\nSecond letter.\n[doc b] Beta\nSecond letter.\n");
    }

    @Test
    void aListIsNumberedWhereItHasNoIds() {
        assertThat(Documents.of(List.of(ALPHA, NAMELESS), ReuseMode.EXACT, true).text())
                .endsWith("[doc 2]\nNo name.\n");
    }

    @Test
    void aSetIsWrittenOnceInTheKnownOrderAndTheNoteHasTheClients() {
        Documents.of(List.of(ALPHA, BETA), ReuseMode.EXACT_REORDER, true).arranged(order, 0, "");

        var documents =
                Documents.of(List.of(BETA, ALPHA, BETA), ReuseMode.EXACT_REORDER, true)
                        .arranged(order, 0, "");

        assertThat(documents.written()).containsExactly(ALPHA, BETA);
        assertThat(documents.names()).containsExactly("a", "b");
        assertThat(documents.note()).isEqualTo("Most relevant first: [doc b], [doc a].\n");
    }

    @Test
    void howOftenOthersAskedForADocumentDoesNotShow() {
        for (long head = 1; head < 4; head++) {
            Documents.of(List.of(BETA), ReuseMode.EXACT_REORDER, false)
                    .arranged(order, head, "other");
        }
        var set = Documents.of(List.of(ALPHA, BETA), ReuseMode.EXACT_REORDER, false);

        assertThat(set.arranged(order, 0, "own").written()).containsExactly(ALPHA, BETA);
        assertThat(set.arranged(order, 9, "other").written()).containsExactly(BETA, ALPHA);
    }

    @Test
    void aMemberOfASetHasTheSameNameWhereverItStands() {
        var first = Documents.of(List.of(NAMELESS, ALPHA), ReuseMode.EXACT_REORDER, false);
        var second = Documents.of(List.of(ALPHA, NAMELESS), ReuseMode.EXACT_REORDER, false);

        assertThat(first.names().getFirst()).isEqualTo(second.names().getLast()).hasSize(6);
        assertThat(first.note()).isEmpty();
    }
}
