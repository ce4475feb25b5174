package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.IndexOptions;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A fleet that cannot take a request is asked for it again and again. */
class FullFleetTest {
    private static final int BLOCK = 16;

    private static WorkerLoad full() {
        return new WorkerLoad(8, 8000, 0, 0, 0, 0, 0);
    }

    private static WorkerLoad withRoom() {
        return new WorkerLoad(1, 1000, 0, 0, 0, 90_000, 0);
    }

    @ParameterizedTest
    @EnumSource(Policy.class)
    void itTakesNothingUntilOneWorkerHasRoom(Policy policy) {
        var scene = Scene.of(policy).worker("a", WorkerRole.BOTH).worker("b", WorkerRole.BOTH);
        scene.load("a", full()).load("b", full());
        assertThat(scene.router.decide(scene.prompt(1, 20))).isEmpty();
        assertThat(scene.router.decide(scene.prompt(1, 20), true)).as("overdue").isPresent();

        scene.load("a", withRoom()).load("b", withRoom());

        assertThat(scene.router.decide(scene.prompt(1, 20))).isPresent();
    }

    @Test
    void whetherThereIsRoomIsKnownBeforeBlocksAreLookedUp() {
        var index = new BlockIndex(new IndexOptions(1 << 20));
        long[] keys = Scene.keys(1, 5);
        var device = new Place(Tier.DEVICE, "a");
        index.apply(new BlockEvents(device, 1, BlockEvents.Change.STORED, keys));
        var fleet = new Fleet();
        fleet.join(new WorkerSpec("a", "n", "kind", WorkerRole.BOTH, 8, 100_000, 1000), 0);
        var worker = fleet.worker("a").orElseThrow();
        var options = RouterOptions.of(Policy.PREDICTED, Mode.AGGREGATED).withBindMillis(0);
        var holdings = new Holdings(index, fleet, Set.of());
        var situation =
                new Situation(fleet, holdings, new Predictor(fleet, holdings, options), options);
        worker.report(withRoom(), 0);
        situation.begin(request(keys), false, 1);
        assertThat(situation.hasRoom()).isTrue();
        situation.read();
        assertThat(holdings.onDevice(0)).isEqualTo(5);

        worker.report(full(), 1);
        situation.begin(request(Scene.keys(2, 5)), false, 2);

        assertThat(situation.hasRoom()).isFalse();
        assertThat(holdings.onDevice(0)).as("still the last request's").isEqualTo(5);
        situation.read();
        assertThat(holdings.onDevice(0)).isZero();
    }

    private static RouteRequest request(long[] keys) {
        int tokens = keys.length * BLOCK + 1;
        return new RouteRequest(1, keys, BLOCK, tokens, 100, "", 0, Long.MAX_VALUE);
    }
}
