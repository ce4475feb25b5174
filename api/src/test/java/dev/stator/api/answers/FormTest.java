package dev.stator.api.answers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.api.documents.Document;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which questions are one in other words. */
final class FormTest {
    private static final List<Document> DOCUMENTS =
            List.of(
                    new Document(
                            Optional.empty(),
                            "Velmora Bakery",
                            "A bakery that is run by Tam. It serves Polish bread. Use polish on the counter. Mark and Peter bake.",
                            Map.of()));

    private static Optional<List<String>> form(String question) {
        return Form.of(question, DOCUMENTS);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Who runs Velmora Bakery? | who runs velmora bakery",
                "Who runs Velmora Bakery? | Hello, could you please tell me, who runs Velmora Bakery?",
                "Who runs Velmora Bakery? | Please, who runs Velmora Bakery",
                "Who runs Velmora Bakery? | Good morning! I'd like to know who runs the Velmora Bakery. Thank you very much!",
                "Who runs Velmora Bakery? | Who   runs Velmora Bakery, please?",
                "What is the motto of Velmora Bakery? | Tell me the motto of Velmora Bakery.",
                "What is the motto of Velmora Bakery? | What's the motto of Velmora Bakery?",
                "What is the motto of Velmora Bakery? | What’s Velmora Bakery’s motto?",
                "What is the motto of Velmora Bakery? | Can you tell me the motto of Velmora Bakery?",
                "What is the name of the cat of Velmora Bakery? | What is Velmora Bakery's cat's name?",
                "Why can't it open? | Why can not it open?",
                "Wer leitet die Bäckerei? | wer leitet die Bäckerei",
                "東京の人口は？ | 東京の人口は？ "
            })
    void theSameInOtherWords(String one, String other) {
        assertThat(form(one)).isPresent().isEqualTo(form(other));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Who runs Velmora Bakery? | Who founded Velmora Bakery?",
                "Who runs Velmora Bakery? | Who ran Velmora Bakery?",
                "Who runs Velmora Bakery? | Who runs Velmora Bakeries?",
                "Who runs Velmora Bakery? | When runs Velmora Bakery?",
                "Who runs it in 1990? | Who runs it in 1991?",
                "Does it open at 8:30? | Does it open at 8:35?",
                "Is 5 enough? | Is -5 enough?",
                "Is 1,000 enough? | Is 1000 enough?",
                "Does it open? | Does it not open?",
                "Does it open? | Doesn't it open?",
                "Can it open? | Can't it open?",
                "Did Mark hire Peter? | Did Peter hire Mark?",
                "Does the son of Ann love Bob? | Does Ann love Bob's son?",
                "Does Ann love the son of Bob? | Does the son of Ann love Bob?",
                "Who hired Bob? | Who did Bob hire?",
                "Does Peter bake? | Does Peters bake?",
                "What is Polish there? | What is polish there?",
                "Who helps us? | Who helps US?",
                "What is C++? | What is C#?",
                "What is C++? | What is C?",
                "What is hepatitis A? | What is hepatitis?",
                "How is hepatitis a treated? | How is hepatitis treated?",
                "Where is The Who? | Where is Who?",
                "What is x²? | What is x2?",
                "What is ½? | What is 1/2?",
                "Who said thanks? | Who said?",
                "Hello Kitty was made by whom? | Kitty was made by whom?",
                "What is 10 %? | What is 10?",
                "Is resume right? | Is résumé right?",
                "Open from 3 to 5? | Open from 5 to 3?"
            })
    void anotherQuestion(String one, String other) {
        assertThat(form(one)).isNotEqualTo(form(other));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "?",
                "What does \"the door\" mean?",
                "What does `the` do?",
                "What does ‘the door’ mean?",
                "What does 'the door' mean?",
                "First line\nsecond line?"
            })
    void whatQuotesOrSaysNothingHasNoForm(String question) {
        assertThat(form(question)).isEmpty();
    }

    @Test
    void aLongTextHasNone() {
        assertThat(form("word ".repeat(101))).isEmpty();
    }

    /** Whatever the words: courtesies never matter, and any word or number that is changed does. */
    @Test
    void courtesiesDoNotMatterAndWordsDo() {
        var random = new Random(7);
        var words =
                List.of(
                        "door", "Tam", "8:30", "42", "not", "open", "of", "bakery", "Ann's", "is",
                        "ticket", "Bob", "from", "-7", "naïve", "ключ", "by", "without");
        for (int round = 0; round < 2_000; round++) {
            var text = new StringBuilder("Who");
            int length = 1 + random.nextInt(8);
            for (int i = 0; i < length; i++) {
                text.append(' ').append(words.get(random.nextInt(words.size())));
            }
            var asked = text.toString();
            assertThat(form("Could you tell me, " + asked + "? Thanks."))
                    .as(asked)
                    .isEqualTo(form(asked + "?"));
            var parts = asked.split(" ");
            int at = 1 + random.nextInt(length);
            var other = words.get(random.nextInt(words.size()));
            if (!parts[at].equals(other)) {
                parts[at] = other;
                assertThat(form(String.join(" ", parts)))
                        .as("%s / %s", asked, String.join(" ", parts))
                        .isNotEqualTo(form(asked));
            }
        }
    }
}
