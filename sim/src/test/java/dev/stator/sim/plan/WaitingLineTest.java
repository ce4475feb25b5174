package dev.stator.sim.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class WaitingLineTest {
    @Test
    void oneServerWithExponentialServiceIsExact() {
        var line = new WaitingLine(1, 0.08, 10, 1);

        assertThat(line.waiting()).isCloseTo(0.8, within(1e-12));
        assertThat(line.delay().mean()).isCloseTo(0.8 * 10 / 0.2, within(1e-9));
        assertThat(line.delay().p90()).isCloseTo(10 / 0.2 * Math.log(0.8 / 0.1), within(1e-9));
    }

    @Test
    void theKnownValueOfErlangsFormula() {
        // Two servers, half busy: one in three waits.
        assertThat(new WaitingLine(2, 0.1, 10, 1).waiting()).isCloseTo(1.0 / 3, within(1e-12));
    }

    @Test
    void aLineThatGrowsHasNoEnd() {
        assertThat(new WaitingLine(3, 0.3, 10, 0.5).delay()).isEqualTo(Figure.ENDLESS);
    }

    @Test
    void whoSeldomWaitsDoesNotWaitInTheUsualCase() {
        var delay = new WaitingLine(8, 0.08, 10, 0.5).delay();

        assertThat(delay.p90()).isZero();
        assertThat(delay.mean()).isPositive();
    }

    /** Against a line that is played through, customer by customer. */
    @ParameterizedTest
    @CsvSource({"1, 0.5", "1, 0.8", "4, 0.7", "4, 0.9", "16, 0.8", "16, 0.95"})
    void equalServicesWaitAboutAsLongAsWhenPlayedThrough(int servers, double busy) {
        double service = 100;
        double arrivals = busy * servers / service;
        double[] waits = play(servers, arrivals, service, 200_000);
        var delay = new WaitingLine(servers, arrivals, service, 0.5).delay();
        double mean = Arrays.stream(waits).average().orElseThrow();
        Arrays.sort(waits);

        assertThat(delay.mean()).isCloseTo(mean, within(0.2 * mean + 1));
        assertThat(delay.p90()).isCloseTo(waits[180_000], within(0.25 * waits[180_000] + 15));
        assertThat(delay.p99()).isCloseTo(waits[198_000], within(0.25 * waits[198_000] + 15));
    }

    private static double[] play(int servers, double arrivals, double service, int customers) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(5);
        double[] freeAt = new double[servers];
        double[] waits = new double[customers];
        double now = 0;
        for (int i = 0; i < customers; i++) {
            now += random.nextExponential() / arrivals;
            int first = 0;
            for (int server = 1; server < servers; server++) {
                first = freeAt[server] < freeAt[first] ? server : first;
            }
            waits[i] = Math.max(0, freeAt[first] - now);
            freeAt[first] = now + waits[i] + service;
        }
        return waits;
    }
}
