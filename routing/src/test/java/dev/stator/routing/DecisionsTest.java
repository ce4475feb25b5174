package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class DecisionsTest {
    private final Decisions decisions = new Decisions(3);

    @Test
    void theLatestComeFirst() {
        for (int i = 0; i < 5; i++) {
            decisions.add(decision(i));
        }

        assertThat(decisions.latest(10).stream().map(kept -> kept.decision().number()))
                .containsExactly(4L, 3L, 2L);
        assertThat(decisions.latest(1)).hasSize(1);
    }

    @Test
    void onlySoManyAreKept() {
        for (int i = 0; i < 5; i++) {
            decisions.add(decision(i));
        }
        decisions.complete(0, new Actual(1, 1, 1, 1));

        assertThat(decisions.find(1)).isEmpty();
        assertThat(decisions.find(2)).isPresent();
    }

    @Test
    void aRequestThatIsRoutedAgainIsFoundByItsLastDecision() {
        decisions.add(decision(0));
        decisions.add(decision(0));
        decisions.add(decision(1));
        decisions.add(decision(2));

        assertThat(decisions.find(0)).isPresent();
    }

    private static Decision decision(long number) {
        var request = new RouteRequest(number, new long[0], 1, 1, 0, "", 0, Long.MAX_VALUE);
        var plan =
                new Plan.Aggregated("w", new Prediction(0, 0, 0, 0, 0), new Supply(0, List.of()));
        return new Decision(number, 0, request, plan, List.of(plan));
    }
}
