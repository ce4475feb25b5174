package dev.stator.sim.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class AlikeTest {
    private static final Alike TRACE = new Alike(1_000, 24, 64);

    private static List<TraceRequest> requests(long seed, double rate) {
        var arrivals = TRACE.arrivals(seed, rate, 2_000);
        var requests = new ArrayList<TraceRequest>();
        for (var next = arrivals.next(); next.isPresent(); next = arrivals.next()) {
            requests.add(next.get());
        }
        return requests;
    }

    @Test
    void requestsAreAlikeAndHaveNoTextInCommon() {
        var keys = new HashSet<Long>();
        for (var request : requests(1, 5)) {
            assertThat(request.promptTokens()).isEqualTo(1_000);
            assertThat(request.outputTokens()).isEqualTo(24);
            assertThat(request.keys()).hasSize(16);
            for (long key : request.keys()) {
                assertThat(keys.add(key)).isTrue();
            }
        }
        assertThat(TRACE.keys(7)).isEqualTo(requests(2, 5).get(7).keys());
    }

    @Test
    void theyArriveAtTheRateAndTheSameSeedAtTheSameTimes() {
        var requests = requests(1, 5);
        assertThat(requests).hasSize(2_000);
        assertThat(requests.getLast().arrivalNanos() / 1e9).isCloseTo(400, Offset.offset(40.0));
        var faster = requests(1, 10);
        for (int i = 0; i < requests.size(); i++) {
            assertThat(faster.get(i).arrivalNanos())
                    .isCloseTo(requests.get(i).arrivalNanos() / 2, Offset.offset(1L));
        }
    }
}
