package dev.stator.routing;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

final class PredictionErrorsTest {
    private final PredictionErrors errors = new PredictionErrors();

    @Test
    void quantilesAreOverTheLastFirstTokens() {
        for (int i = 0; i < 5000; i++) {
            // The last ones are off by 0 to 99 percent.
            double actual = i < 3000 ? 1 : 100;
            errors.add(new Prediction(100 + i % 100, 0, 0, 0, 0), new Actual(actual, 0, 0, 0));
        }

        var queue = of(Stage.QUEUE);

        assertThat(queue.samples()).isEqualTo(1024);
        assertThat(queue.medianRelative()).isCloseTo(0.5, within(0.05));
        assertThat(queue.p95Relative()).isCloseTo(0.95, within(0.02));
        assertThat(queue.biasMillis()).isCloseTo(50, within(2.0));
        assertThat(errors.all()).containsEntry(Stage.FIRST_TOKEN, queue);
    }

    @Test
    void almostNothingIsComparedWithAMillisecond() {
        errors.add(new Prediction(0.5, 0, 0, 0, 0), new Actual(0, 0, 0, 0));

        assertThat(of(Stage.QUEUE).medianRelative()).isEqualTo(0.5);
        assertThat(of(Stage.FETCH).medianRelative()).isZero();
    }

    private PredictionError of(Stage stage) {
        return requireNonNull(errors.all().get(stage));
    }
}
