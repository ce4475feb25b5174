package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.routing.PlanRequest.DecodeView;
import dev.stator.routing.PlanRequest.PrefillView;
import java.util.List;
import org.junit.jupiter.api.Test;

final class RouterTest {
    private final Rates rates = new Rates();

    @Test
    void aLoneLongPromptSkipsTheHop() {
        assertThat(plan(Mode.AUTO, 4000, 0, decode("d0", 0, 0)))
                .isInstanceOf(Plan.Aggregated.class);
    }

    @Test
    void aLongPromptDoesNotDisturbRunningAnswers() {
        assertThat(plan(Mode.AUTO, 4000, 0, decode("d0", 4, 0))).isInstanceOf(Plan.Split.class);
    }

    @Test
    void aCachedPromptStaysWithTheDecodeWorker() {
        assertThat(plan(Mode.AUTO, 4000, 3999, decode("d0", 4, 0)))
                .isInstanceOf(Plan.Aggregated.class);
        assertThat(plan(Mode.DISAGGREGATED, 4000, 3999, decode("d0", 4, 0)))
                .isInstanceOf(Plan.Aggregated.class);
    }

    @Test
    void modesAreObeyed() {
        assertThat(plan(Mode.DISAGGREGATED, 50, 0, decode("d0", 0, 0)))
                .isInstanceOf(Plan.Split.class);
        assertThat(plan(Mode.AGGREGATED, 4000, 0, decode("d0", 4, 0)))
                .isInstanceOf(Plan.Aggregated.class);
    }

    @Test
    void aPrefixOnADeviceAttracts() {
        assertThat(
                        plan(Mode.AUTO, 4000, 0, decode("d0", 0, 0), decode("d1", 0, 3900))
                                .decodeWorker())
                .isEqualTo("d1");
    }

    @Test
    void loadRepels() {
        assertThat(plan(Mode.AUTO, 400, 0, decode("d0", 3, 0), decode("d1", 0, 0)).decodeWorker())
                .isEqualTo("d1");
        assertThat(
                        plan(
                                        Mode.AUTO,
                                        400,
                                        399,
                                        new DecodeView("d0", 0, 0, 5000),
                                        decode("d1", 0, 0))
                                .decodeWorker())
                .isEqualTo("d1");
    }

    @Test
    void theLessBusyPrefillWorkerIsChosen() {
        var request =
                new PlanRequest(
                        4000,
                        0,
                        List.of(decode("d0", 4, 0)),
                        List.of(new PrefillView("p0", 9000), new PrefillView("p1", 10)));
        var plan = new Router(Mode.AUTO, rates).plan(request);
        assertThat(plan)
                .isInstanceOfSatisfying(
                        Plan.Split.class,
                        split -> assertThat(split.prefillWorker()).isEqualTo("p1"));
    }

    @Test
    void withoutPrefillWorkersEverythingIsAggregated() {
        var request = new PlanRequest(4000, 0, List.of(decode("d0", 4, 0)), List.of());
        assertThat(new Router(Mode.DISAGGREGATED, rates).plan(request))
                .isInstanceOf(Plan.Aggregated.class);
    }

    private Plan plan(Mode mode, int prompt, int host, DecodeView... decode) {
        return new Router(mode, rates)
                .plan(
                        new PlanRequest(
                                prompt, host, List.of(decode), List.of(new PrefillView("p0", 0))));
    }

    private static DecodeView decode(String id, int running, int deviceTokens) {
        return new DecodeView(id, running, deviceTokens, 0);
    }
}
