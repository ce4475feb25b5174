package dev.stator.api.documents;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AcrossDocumentsTest {
    private static final List<Document> DOCUMENTS =
            List.of(document("Old Heron Cafe"), document("Bixden Station"), document("X"));

    private static Document document(String title) {
        return new Document(Optional.empty(), title, "A text.", Map.of());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Compare the cafe with the station.",
                "What is the difference in price?",
                "Which of them is the cheapest?",
                "Which shop has the most visitors?",
                "Is the first one older than the second?",
                "Are both painted purple?",
                "Rank them by size.",
                "Which year lies between the opening of the cafe and that of the station?",
                "What does the previous document say?",
                "Summarize.",
                "How many documents mention a cat?",
                "Do the sources contradict each other?",
                "What have they in common?",
                "Hat old heron cafe mehr Gäste als Bixden Station?"
            })
    void questionsThatNeedSeveralDocuments(String question) {
        assertThat(AcrossDocuments.reason(DOCUMENTS, question)).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "How many people work at Old Heron Cafe?",
                "What is the password of Bixden Station?",
                "When does it open?",
                "In what year did Old Heron Cafe open?",
                "Who runs the best-known workshop?",
                "What is the motto of the Summary Shop?",
                "Is it almost finished?",
                ""
            })
    void questionsThatNeedOne(String question) {
        assertThat(AcrossDocuments.reason(DOCUMENTS, question)).isEmpty();
    }

    @Test
    void aTitleThatComesTwiceIsOneName() {
        var twice = List.of(document("Old Heron Cafe"), document("Old Heron Cafe "));
        assertThat(AcrossDocuments.reason(twice, "Who owns Old Heron Cafe?")).isEmpty();
    }
}
