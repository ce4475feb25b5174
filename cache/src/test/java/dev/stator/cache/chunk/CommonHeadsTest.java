package dev.stator.cache.chunk;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class CommonHeadsTest {
    private final CommonHeads heads = new CommonHeads();

    /** Tokens 0, 1, 2, … and from {@code own} on those of one prompt alone. */
    private static int[] prompt(int own, int number) {
        return IntStream.range(0, 200).map(i -> i < own ? i : 1000 * number + i).toArray();
    }

    private int of(int[] prompt) {
        return heads.of("", prompt, OptionalInt.empty());
    }

    @Test
    void whatAllPromptsHadInCommonIsTheHead() {
        assertThat(of(prompt(150, 1))).as("nothing to compare with").isZero();
        assertThat(of(prompt(150, 2))).as("they share a document, too").isEqualTo(150);
        assertThat(of(prompt(60, 3))).isEqualTo(60);
        assertThat(of(prompt(150, 4))).isEqualTo(60);
    }

    @Test
    void shortOnesAreNone() {
        of(prompt(CommonHeads.LEAST - 1, 1));
        assertThat(of(prompt(CommonHeads.LEAST - 1, 2))).isZero();
        assertThat(of(new int[0])).isZero();
        assertThat(of(new int[] {1, 2})).isZero();
    }

    @Test
    void aTemplatesInstructionsAreTheHeadOnceTheyCameTwice() {
        var instructions = OptionalInt.of(80);
        assertThat(heads.of("", prompt(150, 1), instructions)).isZero();
        assertThat(heads.of("", prompt(150, 2), instructions)).isEqualTo(80);
        assertThat(heads.of("", prompt(80, 3), instructions)).isEqualTo(80);
    }

    @Test
    void instructionsThatChangeAreSharedUpToThere() {
        var instructions = OptionalInt.of(80);
        heads.of("", prompt(30, 1), instructions);
        assertThat(heads.of("", prompt(30, 2), instructions)).isEqualTo(30);
        assertThat(heads.of("", prompt(30, 3), instructions)).isEqualTo(30);
    }

    /** As many different instructions as there are prompts, nearly. */
    @Test
    void instructionsThatFewHaveAreShared() {
        var instructions = OptionalInt.of(80);
        for (int i = 1; i <= 10; i++) {
            heads.of("", prompt(30, i), instructions);
        }
        assertThat(heads.of("", prompt(30, 1), instructions)).as("2 of 11").isEqualTo(30);
        for (int i = 0; i < 15; i++) {
            heads.of("", prompt(30, 1), instructions);
        }
        assertThat(heads.of("", prompt(30, 1), instructions)).as("18 of 27").isEqualTo(80);
    }

    @Test
    void saltsHaveHeadsOfTheirOwn() {
        heads.of("one", prompt(60, 1), OptionalInt.empty());
        assertThat(heads.of("other", prompt(60, 2), OptionalInt.empty())).isZero();
        assertThat(heads.of("one", prompt(60, 3), OptionalInt.empty())).isEqualTo(60);
    }
}
