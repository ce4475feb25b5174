package dev.stator.routing.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class DrainRateTest {
    private static final long SECOND = 1_000_000_000;

    private final DrainRate rate = new DrainRate();

    @Test
    void nothingIsKnownBeforeTwoDepartures() {
        rate.departed(5 * SECOND, SECOND, true);

        assertThat(rate.nanosFor(SECOND, 100 * SECOND)).isZero();
    }

    @Test
    void itIsTheTimeBetweenDeparturesPerWorkOfThese() {
        departuresEvery(3 * SECOND, 2 * SECOND, 10);

        assertThat(rate.nanosFor(4 * SECOND, 30 * SECOND)).isCloseTo(6.0 * SECOND, within(1.0));
    }

    @Test
    void timeWhenNobodyWaitsDoesNotCount() {
        departuresEvery(SECOND, SECOND, 10);
        rate.emptied();
        for (int i = 1; i < 10; i++) {
            rate.departed(1000 * i * SECOND, SECOND, false);
        }

        assertThat(rate.nanosFor(SECOND, 100_000 * SECOND)).isCloseTo(1.0 * SECOND, within(1.0));
    }

    @Test
    void aStandstillMakesItLonger() {
        departuresEvery(SECOND, SECOND, 10);

        double before = rate.nanosFor(SECOND, 10 * SECOND);
        double after = rate.nanosFor(SECOND, 20 * SECOND);

        assertThat(after).isGreaterThan(2 * before);
    }

    @Test
    void whatIsLongAgoIsForgotten() {
        departuresEvery(SECOND, SECOND, 100);
        long start = 100 * SECOND;
        for (int i = 1; i <= 30; i++) {
            rate.departed(start + 5L * i * SECOND, SECOND, true);
        }

        assertThat(rate.nanosFor(SECOND, start + 150 * SECOND))
                .isCloseTo(5.0 * SECOND, within(0.2 * SECOND));
    }

    private void departuresEvery(long nanos, long work, int count) {
        for (int i = 1; i <= count; i++) {
            rate.departed(i * nanos, work, true);
        }
    }
}
