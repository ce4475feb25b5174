package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

final class CorrectionTest {
    private final Correction correction = new Correction(200, 1000, 10_000, 0);

    @Test
    void itBeginsWithNone() {
        assertThat(correction.factor(0)).isEqualTo(1);
    }

    @Test
    void itLearnsTheRatio() {
        for (int i = 0; i < 100; i++) {
            correction.observe(300, 100, 0);
        }

        assertThat(correction.factor(0)).isCloseTo(3, within(0.1));
    }

    @Test
    void itRisesFasterThanItFalls() {
        for (int i = 0; i < 3; i++) {
            correction.observe(300, 100, 0);
        }
        double risen = correction.factor(0);
        for (int i = 0; i < 3; i++) {
            correction.observe(100, 100, 0);
        }

        assertThat(risen).isGreaterThan(1.5);
        assertThat(correction.factor(0) - 1).isGreaterThan((risen - 1) / 2);
    }

    @Test
    void longDurationsTeachMoreThanShortOnes() {
        var once = new Correction(200, 1000, 10_000, 0);
        once.observe(2000, 1000, 0);
        correction.observe(2, 1, 0);

        assertThat(correction.factor(0)).isLessThan(1.01);
        assertThat(once.factor(0)).isGreaterThan(1.4);
    }

    @Test
    void oneOutlierIsNotBelieved() {
        correction.observe(10_000, 100, 0);

        assertThat(correction.factor(0)).isLessThan(2.5);
    }

    @Test
    void whatIsNotMeasuredIsForgotten() {
        for (int i = 0; i < 100; i++) {
            correction.observe(300, 100, 0);
        }
        double learned = correction.factor(0) - 1;

        assertThat(correction.factor(10_000_000_000L) - 1).isCloseTo(learned / 2, within(1e-9));
        assertThat(correction.factor(1_000_000_000_000L) - 1).isLessThan(learned / 50);
    }
}
