package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class DriftTest {
    private final Speeds speeds = new Speeds();

    private void moved(int times, Link link, long tokens, double millis) {
        for (int i = 0; i < times; i++) {
            speeds.moved(link, tokens, millis);
        }
    }

    @Test
    void aDiskThatHangsIsKnownToAfterTwoBlocksHoweverLongItWasFast() {
        moved(1000, Link.DISK, 256, 4);
        assertThat(speeds.moveMillis(Link.DISK, 256)).isBetween(3.5, 4.5);

        moved(2, Link.DISK, 32, 300);
        assertThat(speeds.moveMillis(Link.DISK, 256)).isGreaterThan(100);
        assertThat(speeds.cheapestFirst()[Link.values().length - 1]).isEqualTo(Link.DISK);
    }

    @Test
    void andThatItIsWellAgainAfterAFewMore() {
        moved(1000, Link.DISK, 256, 4);
        moved(20, Link.DISK, 32, 3000);
        assertThat(speeds.moveMillis(Link.DISK, 256)).isGreaterThan(1000);

        moved(4, Link.DISK, 32, 0.5);
        assertThat(speeds.moveMillis(Link.DISK, 256)).isLessThan(20);
    }

    @Test
    void onePauseIsForgottenWithTheNextMeasurement() {
        moved(100, Link.DISK, 256, 4);
        moved(1, Link.DISK, 256, 300);
        moved(1, Link.DISK, 256, 4);
        assertThat(speeds.moveMillis(Link.DISK, 256)).isLessThan(10);
    }

    @Test
    void otherLinksLearnAsSlowlyAsEverForNobodyMeasuresThemWhereNoPlanUsesThem() {
        moved(1000, Link.HOST, 256, 1);
        moved(2, Link.HOST, 256, 300);
        assertThat(speeds.moveMillis(Link.HOST, 256)).isLessThan(2);
    }
}
