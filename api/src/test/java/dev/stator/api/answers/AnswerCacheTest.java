package dev.stator.api.answers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.api.answers.AnswerCache.Found;
import dev.stator.api.answers.AnswerCache.Verdict;
import dev.stator.api.documents.Document;
import dev.stator.api.documents.Documents;
import dev.stator.api.documents.ReuseMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** What is kept, for whom, for how long, and what is given to other words. */
final class AnswerCacheTest {
    private static final Duration LIFE = Duration.ofMinutes(10);
    private static final String RUNS = "Who runs Velmora Bakery?";
    private static final String POLITE = "Could you tell me who runs Velmora Bakery?";
    private static final String TAM = "Velmora Bakery is run by Tam Velkor [doc 1].";
    private static final String TEXT = "It is run by Tam Velkor. It closes at 8:30.";

    /** Six verified answers in a row are enough. */
    private static final double HALF = 0.5;

    private long now;

    /** What is drawn when a hit may be given: below 0.05 it is verified. */
    private long drawn = Long.MAX_VALUE;

    private AnswerCache cache = cache(1 << 20);

    private AnswerCache cache(long bytes) {
        RandomGenerator random = () -> drawn;
        return new AnswerCache(bytes, LIFE, HALF, () -> now, random);
    }

    private static Question question(String text) {
        return question("", "", "", text, TEXT);
    }

    private static Question question(
            String tenant, String salt, String system, String text, String document) {
        return question(tenant, salt, system, text, document, true, AnswerMode.SIMILAR);
    }

    private static Question question(
            String tenant,
            String salt,
            String system,
            String text,
            String document,
            boolean alone,
            AnswerMode mode) {
        var documents =
                List.of(new Document(Optional.of("1"), "Velmora Bakery", document, Map.of()));
        return new Question(
                tenant,
                salt,
                Digest.of(system, document),
                Documents.of(documents, ReuseMode.EXACT, false),
                text,
                alone,
                mode);
    }

    private Optional<Found.Hit> hit(Question question) {
        return cache.find(question, 100) instanceof Found.Hit hit
                ? Optional.of(hit)
                : Optional.empty();
    }

    private Verdict compute(Question question, String answer) {
        var miss = (Found.Miss) cache.find(question, 100);
        return cache.keep(miss.ticket(), kept(answer));
    }

    private static KeptAnswer kept(String answer) {
        return new KeptAnswer(answer, Optional.empty(), 10);
    }

    /**
     * Until answers to other words are given, by questions that have nothing to do with the test.
     */
    private void earn() {
        for (int i = 0; i < 6; i++) {
            var system = "earned " + i;
            compute(question("", "", system, RUNS, TEXT), TAM);
            assertThat(compute(question("", "", system, POLITE, TEXT), TAM))
                    .isEqualTo(Verdict.RIGHT);
        }
    }

    @Test
    void theSameQuestionIsGivenTheSameAnswerAndHowOldItIs() {
        assertThat(compute(question(RUNS), TAM)).isEqualTo(Verdict.NONE);
        now = Duration.ofSeconds(7).toNanos();

        var hit = hit(question("  Who  runs\tVelmora Bakery? ")).orElseThrow();
        assertThat(hit.answer()).isEqualTo(kept(TAM));
        assertThat(hit.by()).isEqualTo(AnswerMode.EXACT);
        assertThat(hit.age()).isEqualTo(Duration.ofSeconds(7));
    }

    @Test
    void nobodyElseIsGivenIt() {
        earn();
        compute(question(RUNS), TAM);

        assertThat(hit(question("other", "", "", RUNS, TEXT))).isEmpty();
        assertThat(hit(question("", "other", "", RUNS, TEXT))).isEmpty();
        assertThat(hit(question("other", "", "", POLITE, TEXT))).isEmpty();
        assertThat(hit(question("", "other", "", POLITE, TEXT))).isEmpty();
        // Nor where one's name and salt together spell the other's.
        compute(question("a", "bc", "", RUNS, TEXT), TAM);
        assertThat(hit(question("ab", "c", "", RUNS, TEXT))).isEmpty();
        assertThat(hit(question(RUNS))).isPresent();
        assertThat(hit(question(POLITE))).isPresent();
    }

    @Test
    void whatIsFixedMustBeTheSame() {
        earn();
        compute(question(RUNS), TAM);

        assertThat(hit(question("", "", "Another system prompt.", RUNS, TEXT))).isEmpty();
        assertThat(hit(question("", "", "Another system prompt.", POLITE, TEXT))).isEmpty();
        var changed = TEXT.replace("Velkor", "Velkon");
        assertThat(hit(question("", "", "", RUNS, changed))).isEmpty();
        assertThat(hit(question("", "", "", POLITE, changed))).isEmpty();
    }

    @Test
    void anAnswerThatIsTooLongForTheRequestIsNotGiven() {
        compute(question(RUNS), TAM);
        assertThat(cache.find(question(RUNS), 9)).isInstanceOf(Found.Miss.class);
        assertThat(cache.find(question(RUNS), 10)).isInstanceOf(Found.Hit.class);
    }

    @Test
    void itsTimeEnds() {
        compute(question(RUNS), TAM);
        now = LIFE.toNanos();
        assertThat(hit(question(RUNS))).isPresent();
        now++;
        assertThat(hit(question(RUNS))).isEmpty();
        assertThat(cache.stats().entries()).isZero();
        assertThat(cache.stats().bytes()).isZero();
    }

    @Test
    void whatWasUsedLeastLatelyMakesPlaceAndTheBoundHolds() {
        cache = cache(10_000);
        for (int i = 0; i < 100; i++) {
            compute(question("Who runs number " + i + "?"), "x".repeat(200));
            hit(question("Who runs number 0?"));
            assertThat(cache.stats().bytes()).isLessThanOrEqualTo(10_000);
        }
        assertThat(hit(question("Who runs number 0?"))).isPresent();
        assertThat(hit(question("Who runs number 99?"))).isPresent();
        assertThat(hit(question("Who runs number 1?"))).isEmpty();

        compute(question(RUNS), "x".repeat(10_000));
        assertThat(hit(question(RUNS))).isEmpty();
        assertThat(cache.stats().entries()).isGreaterThan(5);
    }

    @Test
    void otherWordsAreVerifiedUntilTheRecordIsGoodAndThenNowAndThen() {
        earn();
        assertThat(cache.stats().right()).isEqualTo(6);
        assertThat(cache.stats().servingTenants()).isEqualTo(1);
        compute(question(RUNS), TAM);

        var hit = hit(question(POLITE)).orElseThrow();
        assertThat(hit.by()).isEqualTo(AnswerMode.SIMILAR);
        assertThat(hit.answer()).isEqualTo(kept(TAM));

        drawn = 0;
        assertThat(compute(question("Who runs velmora bakery"), TAM)).isEqualTo(Verdict.RIGHT);
        assertThat(cache.stats().right()).isEqualTo(7);
        assertThat(cache.stats().falseRate()).isZero();
        assertThat(cache.stats().falseRateAtMost()).isBetween(0.3, 0.4);
    }

    @Test
    void anotherTenantsRecordIsItsOwn() {
        earn();
        compute(question("other", "", "", RUNS, TEXT), TAM);
        assertThat(hit(question("other", "", "", POLITE, TEXT))).isEmpty();
    }

    @Test
    void whereWordsMatterNeitherAnswerIsGivenToOthersAndWhatWasEarnedEnds() {
        earn();
        drawn = 0;
        for (int i = 0; i < 4; i++) {
            var system = "wrong " + i;
            compute(question("", "", system, RUNS, TEXT), TAM);
            assertThat(compute(question("", "", system, POLITE, TEXT), "Tam Velkor runs it."))
                    .isEqualTo(Verdict.WRONG);
            // Each question keeps its own, and a third way to ask finds neither.
            assertThat(hit(question("", "", system, RUNS, TEXT)).orElseThrow().answer())
                    .isEqualTo(kept(TAM));
            assertThat(hit(question("", "", system, POLITE, TEXT)).orElseThrow().answer())
                    .isEqualTo(kept("Tam Velkor runs it."));
            assertThat(compute(question("", "", system, RUNS.toLowerCase(Locale.ROOT), TEXT), TAM))
                    .isEqualTo(Verdict.NONE);
        }
        drawn = Long.MAX_VALUE;
        compute(question(RUNS), TAM);
        assertThat(hit(question(POLITE))).isEmpty();
        assertThat(cache.stats().wrong()).isEqualTo(4);
        assertThat(cache.stats().falseRate()).isEqualTo(0.4);
    }

    @Test
    void onlyWhatMayBeIsGivenToOtherWords() {
        earn();
        compute(question(RUNS), TAM);
        assertThat(hit(question(POLITE))).isPresent();

        // Within a conversation, or where the request wants the very same.
        assertThat(hit(question("", "", "", POLITE, TEXT, false, AnswerMode.SIMILAR))).isEmpty();
        assertThat(hit(question("", "", "", POLITE, TEXT, true, AnswerMode.EXACT))).isEmpty();
        // Across documents.
        var compares = "What is the difference between Velmora Bakery and Tam Velkor?";
        compute(question(compares), "Tam Velkor is run by Velmora Bakery [doc 1].");
        assertThat(hit(question(compares))).isPresent();
        assertThat(hit(question("Please, " + compares))).isEmpty();
        // What the documents do not say.
        var opens = "When does Velmora Bakery open?";
        compute(question(opens), "Velmora Bakery opens at 7:15 [doc 1].");
        assertThat(hit(question(opens))).isPresent();
        assertThat(hit(question("Please, " + opens))).isEmpty();
    }

    @Test
    void withoutDocumentsOnlyTheSameIsGiven() {
        earn();
        var alone =
                new Question(
                        "",
                        "",
                        Digest.of(),
                        Documents.NONE,
                        "Who is Tam?",
                        true,
                        AnswerMode.SIMILAR);
        var polite =
                new Question(
                        "",
                        "",
                        Digest.of(),
                        Documents.NONE,
                        "Please, who is Tam?",
                        true,
                        AnswerMode.SIMILAR);
        compute(alone, "Tam.");
        assertThat(hit(alone)).isPresent();
        assertThat(hit(polite)).isEmpty();
    }

    @Test
    void anErasedDocumentTakesItsAnswersAlongAlsoThoseUnderWay() {
        earn();
        var miss = (Found.Miss) cache.find(question(RUNS), 100);
        var other = question("", "other", "", RUNS, TEXT);
        compute(other, TAM);

        cache.forget(TEXT, "");

        assertThat(cache.stats().entries()).isEqualTo(1);
        assertThat(hit(other)).isPresent();
        assertThat(cache.keep(miss.ticket(), kept(TAM))).isEqualTo(Verdict.NONE);
        assertThat(hit(question(RUNS))).isEmpty();
        // Who sends the text again after that has his answer kept.
        compute(question(RUNS), TAM);
        assertThat(hit(question(RUNS))).isPresent();
    }

    @Test
    void aTicketIsGoodForOneAnswer() {
        var miss = (Found.Miss) cache.find(question(RUNS), 100);
        cache.keep(miss.ticket(), kept(TAM));
        cache.keep(miss.ticket(), kept("Something else."));
        assertThat(hit(question(RUNS)).orElseThrow().answer()).isEqualTo(kept(TAM));
    }

    @Test
    void anEmptyQuestionAndOddTextsAreKeptLikeOthers() {
        var odd =
                new ArrayList<>(
                        List.of(
                                "",
                                "?",
                                "\u0000",
                                "naïve",
                                "x²",
                                "x2",
                                "🙂",
                                "if x:\n  y",
                                "if x:\n y"));
        odd.forEach(text -> compute(question(text), "to " + text));
        odd.forEach(
                text ->
                        assertThat(hit(question(text)).orElseThrow().answer().text())
                                .isEqualTo("to " + text));
        // One character composed of two, and blanks at the ends, are the same text.
        assertThat(hit(question(" nai\u0308ve\n"))).isPresent();
        assertThat(hit(question(" "))).isPresent();
    }

    @Test
    void manyThreadsNeitherLoseTheBoundNorMixTenants() throws InterruptedException {
        cache = new AnswerCache(20_000, LIFE, HALF, () -> 0, new Random(3));
        var problems = new ConcurrentLinkedQueue<String>();
        var threads = new ArrayList<Thread>();
        for (int t = 0; t < 4; t++) {
            var tenant = "tenant " + t;
            threads.add(
                    Thread.ofVirtual()
                            .start(
                                    () -> {
                                        for (int i = 0; i < 2_000; i++) {
                                            var asked =
                                                    question(
                                                            tenant,
                                                            "",
                                                            "",
                                                            "Who is " + i % 50,
                                                            TEXT);
                                            switch (cache.find(asked, 100)) {
                                                case Found.Hit hit -> {
                                                    if (!hit.answer().text().equals(tenant)) {
                                                        problems.add(hit.toString());
                                                    }
                                                }
                                                case Found.Miss(var ticket) ->
                                                        cache.keep(ticket, kept(tenant));
                                            }
                                            if (i % 100 == 0) {
                                                cache.forget(TEXT, "");
                                            }
                                        }
                                    }));
        }
        for (var thread : threads) {
            thread.join();
        }
        assertThat(problems).isEmpty();
        assertThat(cache.stats().bytes()).isBetween(0L, 20_000L);
    }
}
