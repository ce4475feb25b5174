package dev.stator.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class AxisTest {
    @Test
    void ticksAreRoundNumbers() {
        assertThat(Axis.fromZero(93, 0, 1).ticks())
                .containsExactly(0.0, 20.0, 40.0, 60.0, 80.0, 100.0);
        assertThat(Axis.fromZero(0.7, 0, 1).ticks()).hasSizeBetween(4, 9);
        assertThat(Axis.between(3.1, 4.9, 0, 1).ticks()).containsExactly(3.0, 3.5, 4.0, 4.5, 5.0);
    }

    @Test
    void aLogarithmicAxisMapsRatiosToDistances() {
        var axis = Axis.logarithmic(12, 8_000, 100, 0);
        assertThat(axis.low()).isCloseTo(10, within(1e-9));
        assertThat(axis.high()).isCloseTo(10_000, within(1e-6));
        assertThat(axis.place(10)).isCloseTo(100, within(1e-9));
        assertThat(axis.place(100)).isCloseTo(200 / 3.0, within(1e-9));
        assertThat(axis.place(10_000)).isCloseTo(0, within(1e-9));
        assertThat(axis.place(0.001)).isEqualTo(100);
    }

    @Test
    void equalValuesStillHaveAnAxis() {
        assertThat(Axis.fromZero(0, 0, 1).high()).isPositive();
        assertThat(Axis.logarithmic(5, 5, 0, 1).high()).isGreaterThan(5);
        var axis = Axis.between(4, 4, 0, 10);
        assertThat(axis.place(4)).isCloseTo(5, within(1e-9));
    }
}
