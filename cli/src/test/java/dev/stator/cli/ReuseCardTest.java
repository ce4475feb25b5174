package dev.stator.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.api.Splicing;
import dev.stator.api.documents.ReuseMode;
import dev.stator.cli.ReuseCard.Guarded;
import dev.stator.cli.ReuseCard.Measured;
import dev.stator.serving.Guard;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReuseCardTest {
    @TempDir Path folder;

    private static Measured measured(int boundary, double agreement, double right) {
        return measured(boundary, agreement, right, Optional.empty());
    }

    private static Measured measured(
            int boundary, double agreement, double right, Optional<Guarded> guarded) {
        return new Measured(boundary, 0.1, 0.2, agreement, Optional.of(right), 0.01, guarded);
    }

    private static Optional<Guarded> guarded(double doubted) {
        return Optional.of(new Guarded(0.5, 2, doubted, 0.99, Optional.of(0.9)));
    }

    private static ReuseCard card(Measured... settings) {
        return ReuseCard.of("m", "f00d", "set.jsonl", 200, 32, Optional.of(0.9), List.of(settings));
    }

    @Test
    void theCheapestSettingThatIsGoodEnoughIsChosen() {
        var card =
                card(
                        measured(0, 0.96, 0.95),
                        measured(4, 0.98, 0.885),
                        measured(8, 0.97, 0.895),
                        measured(16, 1, 0.9));

        assertThat(card.splicing("f00d")).isEqualTo(new Splicing.Allowed(8, 0.1));
    }

    @Test
    void withAGuardASettingThatIsNotGoodEnoughMayBe() {
        var card =
                card(
                        measured(0, 0.9, 0.8, guarded(0.3)),
                        measured(4, 0.95, 0.9, guarded(0.1)),
                        measured(8, 0.96, 0.9));

        assertThat(card.splicing("f00d"))
                .isEqualTo(
                        new Splicing.Allowed(
                                Optional.empty(),
                                Optional.of(
                                        new Splicing.Allowed.Guarded(
                                                new Splicing.Way(4, 0.1), new Guard(0.5, 2)))));
        assertThat(card.splicing("f00d").refusal(ReuseMode.SPLICED).orElseThrow())
                .contains("`spliced-guarded` is allowed");
        assertThat(card.splicing("f00d").refusal(ReuseMode.SPLICED_GUARDED)).isEmpty();
    }

    @Test
    void withoutOneThereIsNoSplicing() {
        assertThat(card(measured(0, 0.96, 0.9)).splicing("f00d"))
                .isInstanceOf(Splicing.Refused.class);
    }

    @Test
    void aCardHoldsForOneModelOnly() {
        assertThat(card(measured(0, 1, 1)).splicing("beef"))
                .isInstanceOfSatisfying(
                        Splicing.Refused.class,
                        refused -> assertThat(refused.why()).contains("another model"));
    }

    @Test
    void whatIsWrittenIsRead() {
        var file = folder.resolve("card.json");
        var card = card(measured(0, 0.5, 0.5), measured(16, 1, 0.9));
        card.write(file);
        assertThat(ReuseCard.read(file)).isEqualTo(card);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[]",
                "{}",
                "null",
                "{\"format\": 2}",
                "{\"format\": 2, \"chosen\": 3}"
            })
    void whatIsNoCardIsNamed(String text) throws Exception {
        var file = Files.writeString(folder.resolve("card.json"), text);
        assertThatThrownBy(() -> ReuseCard.read(file))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("reuse card");
    }

    @Test
    void oneOfAnOlderFormatIsToBeMadeAgain() throws Exception {
        var text =
                """
                {"format": 1, "model": "m", "fingerprint": "f", "data": "d", "questions": 1, "answerTokens": 1,
                 "settings": [], "verdict": "v"}
                """;
        var file = Files.writeString(folder.resolve("card.json"), text);
        assertThatThrownBy(() -> ReuseCard.read(file))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("run 'stator eval reuse' again");
    }

    @Test
    void itLiesBesideTheModel() {
        assertThat(ReuseCard.beside(Path.of("a", "b.gguf")))
                .isEqualTo(Path.of("a", "b.reuse.json"));
    }
}
