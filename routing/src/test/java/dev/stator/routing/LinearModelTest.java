package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

final class LinearModelTest {
    private static final double[] GUESS = {10, 0.1};
    private static final double[] SCALES = {1, 1000};

    private final LinearModel model = new LinearModel(GUESS, SCALES);
    private final Random random = new Random(5);

    @Test
    void itFindsTheCoefficients() {
        observe(500, 3, 0.5, 0);

        assertThat(model.coefficient(0)).isCloseTo(3, Percentage.withPercentage(5));
        assertThat(model.coefficient(1)).isCloseTo(0.5, Percentage.withPercentage(1));
    }

    @Test
    void itFindsThemThroughNoise() {
        observe(3000, 30, 0.5, 0.1);

        assertThat(predicted(1000)).isCloseTo(530, Percentage.withPercentage(3));
        assertThat(predicted(10)).isCloseTo(35, Percentage.withPercentage(15));
    }

    @Test
    void theFirstMeasurementScalesTheGuessAsAWhole() {
        model.observe(new double[] {1, 1000}, 1100);

        assertThat(model.coefficient(0)).isCloseTo(100, within(1e-6));
        assertThat(model.coefficient(1)).isCloseTo(1, within(1e-9));
    }

    @Test
    void whatWasNeverVariedStaysPlausible() {
        for (int i = 0; i < 5000; i++) {
            model.observe(new double[] {1, 1000}, 220);
        }

        assertThat(predicted(1000)).isCloseTo(220, within(0.1));
        assertThat(predicted(500)).isBetween(100.0, 200.0);
    }

    @Test
    void rarePausesMoveItLittle() {
        for (int i = 0; i < 3000; i++) {
            double tokens = 10 + random.nextInt(1000);
            double pause = random.nextInt(20) == 0 ? 2000 : 0;
            model.observe(new double[] {1, tokens}, 3 + 0.5 * tokens + pause);
        }

        assertThat(predicted(1000)).isCloseTo(503, Percentage.withPercentage(10));
    }

    @Test
    void aLastingChangeIsFollowed() {
        observe(1000, 3, 0.5, 0.02);
        observe(4000, 9, 1.5, 0.02);

        assertThat(predicted(1000)).isCloseTo(1509, Percentage.withPercentage(5));
    }

    @Test
    void coefficientsAreNeverNegative() {
        for (int i = 0; i < 2000; i++) {
            double tokens = 100 + random.nextInt(1000);
            // A straight line through these would begin below zero.
            model.observe(new double[] {1, tokens}, tokens * tokens / 1000);
            assertThat(model.coefficient(0)).isNotNegative();
            assertThat(model.coefficient(1)).isNotNegative();
        }
    }

    private void observe(int times, double constant, double slope, double noise) {
        for (int i = 0; i < times; i++) {
            double tokens = 10 + random.nextInt(1000);
            double millis = (constant + slope * tokens) * (1 + noise * random.nextGaussian());
            model.observe(new double[] {1, tokens}, millis);
        }
    }

    private double predicted(double tokens) {
        return model.coefficient(0) + tokens * model.coefficient(1);
    }
}
