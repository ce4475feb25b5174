package dev.stator.sim.world;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class LogHistogramTest {
    @Test
    void quantilesAreWithinOnePercent() {
        var histogram = new LogHistogram();
        assertThat(histogram.quantile(0.5)).isNaN();
        for (int value = 1; value <= 10_000; value++) {
            histogram.add(value, 3);
        }
        assertThat(histogram.quantile(0.5)).isCloseTo(5_000, within(50.0));
        assertThat(histogram.quantile(0.99)).isCloseTo(9_900, within(99.0));
        histogram.add(1e12, 1);
        assertThat(histogram.quantile(1)).isCloseTo(1e12, within(1e10));
    }
}
