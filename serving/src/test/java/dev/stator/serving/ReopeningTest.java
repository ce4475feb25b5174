package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ReopeningTest {
    @Test
    void waitsGetLongerUpToABound() {
        var waits = new ArrayList<Long>();
        var wait = Duration.ZERO;
        for (int i = 0; i < 9; i++) {
            waits.add(wait.toMillis());
            wait = Reopening.BackOff.USUAL.next(wait);
        }
        assertThat(waits)
                .isEqualTo(
                        List.of(0L, 500L, 1000L, 2000L, 4000L, 8000L, 16_000L, 30_000L, 30_000L));
    }
}
