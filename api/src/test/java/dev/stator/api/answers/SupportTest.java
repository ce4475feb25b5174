package dev.stator.api.answers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.api.documents.Document;
import dev.stator.api.documents.Documents;
import dev.stator.api.documents.ReuseMode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which answers the documents support, where the question looks. */
final class SupportTest {
    private static final String QUESTION = "Who runs Velmora Bakery?";

    private static final Documents DOCUMENTS =
            Documents.of(
                    List.of(
                            document(
                                    "1",
                                    "Velmora Bakery",
                                    "It is run by Tam Velkor. It closes at 8:30."),
                            document(
                                    "2",
                                    "Bixden Station",
                                    "The door is purple. Hamfek manages it.")),
                    ReuseMode.EXACT,
                    false);

    private static Document document(String id, String title, String text) {
        return new Document(Optional.of(id), title, text, Map.of());
    }

    private static boolean holds(String answer) {
        return Support.holds(answer, QUESTION, DOCUMENTS);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Velmora Bakery is run by Tam Velkor [doc 1].",
                "It is run by Tam Velkor.",
                "The bakery is run by Tam Velkor [doc 1]."
            })
    void said(String answer) {
        assertThat(holds(answer)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "!",
                "It is run by Tom Velkor [doc 1].",
                "It is run by Tam Velkor since 1990 [doc 1].",
                "It is run by Tam Velkor [doc 3].",
                "It is run by Hamfek [doc 2].",
                "It is run by Tam Velkor [doc 2].",
                "It is not run by Tam Velkor [doc 1].",
                "It isn't run by Tam Velkor [doc 1].",
                "The documents do not say.",
                "Nobody knows whose property this place was."
            })
    void notSaid(String answer) {
        assertThat(holds(answer)).isFalse();
    }
}
