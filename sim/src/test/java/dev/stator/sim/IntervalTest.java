package dev.stator.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class IntervalTest {
    @Test
    void itIsStudentsForFewRuns() {
        var interval = Interval.of(9, 10, 11);
        assertThat(interval.mean()).isEqualTo(10);
        assertThat(interval.half()).isCloseTo(4.303 / Math.sqrt(3), within(1e-9));
    }

    @Test
    void aSingleRunHasNone() {
        assertThat(Interval.of(7).mean()).isEqualTo(7);
        assertThat(Interval.of(7).half()).isNaN();
        assertThat(Numbers.of(Interval.of(7))).isEqualTo("7");
    }

    @Test
    void numbersHaveThreeDigits() {
        assertThat(Numbers.of(0)).isEqualTo("0");
        assertThat(Numbers.of(0.01234)).isEqualTo("0.012");
        assertThat(Numbers.of(1.2345)).isEqualTo("1.23");
        assertThat(Numbers.of(12.345)).isEqualTo("12.3");
        assertThat(Numbers.of(123.4)).isEqualTo("123");
        assertThat(Numbers.of(98_765)).isEqualTo("98,800");
        assertThat(Numbers.of(Double.NaN)).isEqualTo("–");
        assertThat(Numbers.of(new Interval(1234, 56.7))).isEqualTo("1,230 ± 56.7");
    }
}
