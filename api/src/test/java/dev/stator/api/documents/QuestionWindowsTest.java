package dev.stator.api.documents;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.api.documents.QuestionWindows.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class QuestionWindowsTest {
    private static final List<String> PASSAGES =
            List.of(
                    "[doc 1] Old Heron Cafe\nA ticket costs 174 dollars. It opens at nine.\n",
                    "[doc 2] Blue Finch Library\nThe library has 12 rooms. It opens at ten.\n",
                    "[doc 3] Red Kite Farm\nThe farm has a shop! The motto is “grow”。它很好。\n");

    private static List<String> chosen(String question, int budget) {
        return QuestionWindows.of(PASSAGES, question, budget).stream()
                .map(w -> PASSAGES.get(w.passage()).substring(w.from(), w.to()).strip())
                .toList();
    }

    @Test
    void sentencesThatShareRareWordsWithTheQuestion() {
        assertThat(chosen("What does a ticket for Old Heron Cafe cost?", 60))
                .containsExactly("[doc 1] Old Heron Cafe", "A ticket costs 174 dollars.");
    }

    @Test
    void whatIsEverywhereCountsLessThanWhatIsInOnePlace() {
        assertThat(chosen("When opens the Finch?", 30))
                .containsExactly("[doc 2] Blue Finch Library");
    }

    @Test
    void wordsAreFoundInOtherFormsAndScripts() {
        assertThat(chosen("In what year was it opening?", 30)).first().asString().contains("opens");
        assertThat(chosen("LIBRARIES' rooms", 30)).containsExactly("The library has 12 rooms.");
        var passages = List.of("猫は庭にいます。図書館は九時に開きます。", "Das Café öffnet um neun. Ein Hund bellt.");
        assertThat(
                        QuestionWindows.of(passages, "図書館は何時に開きますか", 12).stream()
                                .map(w -> passages.get(w.passage()).substring(w.from(), w.to())))
                .containsExactly("図書館は九時に開きます。");
        assertThat(
                        QuestionWindows.of(passages, "wann offnet das cafe", 26).stream()
                                .map(w -> passages.get(w.passage()).substring(w.from(), w.to())))
                .containsExactly("Das Café öffnet um neun. ");
    }

    @Test
    void nothingWhereNoWordIsShared() {
        assertThat(chosen("Wer?", 1000)).isEmpty();
        assertThat(chosen("", 1000)).isEmpty();
        assertThat(QuestionWindows.of(List.of(), "ticket", 100)).isEmpty();
    }

    @Test
    void neverMoreThanTheBudgetNeverOverlappingAndWithinThePassage() {
        var random = new Random(11);
        var words = List.of("ab", "cd", "ef.", "gh!", "ij\n", "ü。", "k?\"", "-", "ab. ");
        for (int round = 0; round < 500; round++) {
            var passages = new ArrayList<String>();
            for (int i = random.nextInt(5); i >= 0; i--) {
                passages.add(text(random, words));
            }
            int budget = random.nextInt(80);
            var windows = QuestionWindows.of(passages, text(random, words), budget);
            assertThat(windows.stream().mapToInt(Window::length).sum()).isLessThanOrEqualTo(budget);
            for (int i = 0; i < windows.size(); i++) {
                var window = windows.get(i);
                assertThat(window.from()).isNotNegative().isLessThan(window.to());
                assertThat(window.to())
                        .isLessThanOrEqualTo(passages.get(window.passage()).length());
                if (i > 0 && windows.get(i - 1).passage() == window.passage()) {
                    assertThat(window.from()).isGreaterThanOrEqualTo(windows.get(i - 1).to());
                }
            }
        }
    }

    private static String text(Random random, List<String> words) {
        var text = new StringBuilder();
        for (int i = random.nextInt(30); i > 0; i--) {
            text.append(words.get(random.nextInt(words.size()))).append(' ');
        }
        return text.toString();
    }
}
