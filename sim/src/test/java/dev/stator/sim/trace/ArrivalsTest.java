package dev.stator.sim.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class ArrivalsTest {
    private static final long SECOND = 1_000_000_000L;

    /** A hundred requests, two every three seconds. */
    private static Recorded recorded() {
        var requests = new ArrayList<TraceRequest>();
        for (int i = 0; i < 100; i++) {
            requests.add(new TraceRequest(i / 2 * 3 * SECOND, 10, 1, new long[] {i}, i));
        }
        return new Recorded("test", 8, requests, 3 * SECOND);
    }

    @Test
    void theSameSeedGivesTheSameRequests() {
        assertThat(all(recorded().arrivals(1, 5, 40)))
                .usingRecursiveComparison()
                .isEqualTo(all(recorded().arrivals(1, 5, 40)));
        assertThat(times(all(recorded().arrivals(1, 5, 40))))
                .isNotEqualTo(times(all(recorded().arrivals(2, 5, 40))));
    }

    @Test
    void requestsComeInOrderAtTheRateThatIsAskedFor() {
        for (long requests : List.of(40L, 100L, 350L)) {
            var times = times(all(recorded().arrivals(3, 5, requests)));
            assertThat(times).hasSize((int) requests).isSorted();
            assertThat(requests / (times.getLast() / 1e9)).isCloseTo(5, within(0.5));
        }
    }

    @Test
    void aTraceThatIsTooShortRepeatsWithOtherText() {
        var keys = new HashSet<Long>();
        all(recorded().arrivals(1, 5, 250)).forEach(request -> keys.add(request.keys()[0]));
        assertThat(keys).hasSize(250);
    }

    @Test
    void sessionsShareTheSystemPromptsOfTheirGroupAndKeepTheirHistory() {
        var mix = new SessionMix("test", 10, 2, 3, 100, 4, 30, 50, 20, 5_000);
        var arrivals = mix.arrivals(1, mix.requestsPerSecond(), 2_000);
        var heads = new HashSet<Long>();
        var seen = new HashSet<Long>();
        long asked = 0;
        long reusable = 0;
        for (var next = arrivals.next(); next.isPresent(); next = arrivals.next()) {
            var turn = next;
            while (turn.isPresent()) {
                var request = turn.get();
                heads.add(request.keys()[0]);
                asked++;
                int whole = (request.promptTokens() + request.outputTokens()) / 10;
                assertThat(request.keys()).hasSize(whole);
                if (request.promptTokens() > 400) {
                    reusable += seen.contains(request.keys()[20]) ? 1 : 0;
                }
                Arrays.stream(request.keys()).forEach(seen::add);
                turn = arrivals.followUp(request, request.arrivalNanos() + SECOND);
                turn.ifPresent(
                        after ->
                                assertThat(after.arrivalNanos())
                                        .isGreaterThanOrEqualTo(request.arrivalNanos() + SECOND));
            }
        }
        assertThat(asked).isEqualTo(2_000);
        assertThat(heads).hasSize(3);
        assertThat(reusable).isGreaterThan(100);
    }

    private static List<TraceRequest> all(Arrivals arrivals) {
        var all = new ArrayList<TraceRequest>();
        for (var next = arrivals.next(); next.isPresent(); next = arrivals.next()) {
            all.add(next.get());
        }
        return all;
    }

    private static List<Long> times(List<TraceRequest> requests) {
        return requests.stream().map(TraceRequest::arrivalNanos).toList();
    }
}
