package dev.stator.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SamplesTest {
    @Test
    void medianOfAnEvenNumberIsTheMeanOfTheMiddleTwo() {
        assertThat(Samples.of(4, 1, 3, 2).median()).isEqualTo(2.5);
        assertThat(Samples.of(9, 1, 5).median()).isEqualTo(5);
    }

    @Test
    void quantileIsTheSmallestThatEnoughDoNotExceed() {
        var hundred = Samples.of(IntStream.rangeClosed(1, 100).asDoubleStream().toArray());

        assertThat(hundred.quantile(0.99)).isEqualTo(99);
        assertThat(hundred.quantile(0.001)).isEqualTo(1);
        assertThat(hundred.quantile(1)).isEqualTo(100);
    }

    @Test
    void nothingMeasuredIsRefused() {
        assertThatThrownBy(() -> Samples.of()).isInstanceOf(IllegalStateException.class);
    }
}
