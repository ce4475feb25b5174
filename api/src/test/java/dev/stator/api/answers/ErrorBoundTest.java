package dev.stator.api.answers;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** When a record says that errors are rare enough. */
final class ErrorBoundTest {
    private static final double BOUND = 0.02;

    private static int rightsUntilKept(ErrorBound bound) {
        int rights = 0;
        while (!bound.isKept()) {
            bound.saw(true);
            rights++;
        }
        return rights;
    }

    @Test
    void aRecordWithoutErrorsTakesAsLongAsTheBoundIsTight() {
        assertThat(rightsUntilKept(new ErrorBound(0.02))).isEqualTo(198);
        assertThat(rightsUntilKept(new ErrorBound(0.1))).isEqualTo(38);
        assertThat(rightsUntilKept(new ErrorBound(0.5))).isEqualTo(6);
    }

    @Test
    void anErrorHasToBeMadeUpFor() {
        var bound = new ErrorBound(BOUND);
        bound.saw(false);
        assertThat(rightsUntilKept(bound)).isBetween(280, 290);
    }

    @Test
    void oneErrorOfALongRecordIsForgivenAndTheNextIsNot() {
        var bound = new ErrorBound(BOUND);
        for (int i = 0; i < 100_000; i++) {
            bound.saw(true);
        }
        bound.saw(false);
        assertThat(bound.isKept()).isTrue();
        bound.saw(false);
        assertThat(bound.isKept()).isFalse();
    }

    /** Whenever one looks: of records whose errors are as frequent as the bound, few ever pass. */
    @Test
    void whatIsAsWrongAsTheBoundHardlyEverPasses() {
        assertThat(passed(BOUND)).isLessThan(0.06);
        assertThat(passed(2 * BOUND)).isLessThan(0.005);
        assertThat(passed(BOUND / 10)).isGreaterThan(0.95);
    }

    /** The part of 2,000 records of 3,000 outcomes that ever said that the bound is kept. */
    private static double passed(double errors) {
        var random = new Random(11);
        int passed = 0;
        for (int record = 0; record < 2_000; record++) {
            var bound = new ErrorBound(BOUND);
            for (int i = 0; i < 3_000 && !bound.isKept(); i++) {
                bound.saw(random.nextDouble() >= errors);
            }
            passed += bound.isKept() ? 1 : 0;
        }
        return passed / 2_000.0;
    }
}
