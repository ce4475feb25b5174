package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Where blocks are and how they get to where they are wanted. */
final class RouterReuseTest {
    @Nested
    final class Reuse {
        private final Scene scene =
                Scene.of(Mode.AGGREGATED).worker("a", WorkerRole.BOTH).worker("b", WorkerRole.BOTH);

        @Test
        void aPrefixOnADeviceAttracts() {
            scene.holds(Tier.DEVICE, "b", 1, 30);

            var plan = scene.plan(scene.prompt(1, 40));

            assertThat(plan.decodeWorker()).isEqualTo("b");
            assertThat(plan.supply().heldBlocks()).isEqualTo(30);
            assertThat(plan.prediction().prefillMillis()).isCloseTo(101, within(10.0));
        }

        @Test
        void aShortWaitForAPrefixIsBetterThanComputingItAnew() {
            scene.holds(Tier.DEVICE, "b", 1, 30).waiting("b", 1000);

            assertThat(scene.plan(scene.prompt(1, 30)).decodeWorker()).isEqualTo("b");
        }

        @Test
        void aLongWaitForAPrefixIsNot() {
            scene.holds(Tier.DEVICE, "b", 1, 30).waiting("b", 30_000);

            var plan = scene.plan(scene.prompt(1, 30));

            assertThat(plan.decodeWorker()).isEqualTo("a");
            assertThat(plan.prediction().queueMillis()).isZero();
        }

        @Test
        void whatIsBelowTheDeviceIsFetchedFromWhereItIs() {
            scene.holds(Tier.DEVICE, "a", 1, 10).holds(Tier.HOST, "node-of-a", 1, 25);

            var plan = scene.plan(scene.prompt(1, 40));

            assertThat(plan.decodeWorker()).isEqualTo("a");
            assertThat(plan.supply())
                    .isEqualTo(
                            new Supply(
                                    10,
                                    List.of(
                                            new Source(
                                                    10, 25, new Place(Tier.HOST, "node-of-a")))));
            assertThat(plan.prediction().fetchMillis()).isCloseTo(3, within(1.0));
        }

        @Test
        void whatIsSlowerToFetchThanToComputeIsComputed() {
            scene.holds(Tier.DISK, "node-of-a", 1, 30);
            for (int i = 1; i <= 40; i++) {
                scene.router.moved("a", new Place(Tier.DISK, "node-of-a"), 100L * i, 100.0 * i);
            }

            var plan = scene.plan(scene.prompt(1, 40));

            assertThat(plan.supply().sources()).isEmpty();
            assertThat(plan.prediction().fetchMillis()).isZero();
        }

        @Test
        void aGapEndsWhatCanBeReused() {
            long[] keys = Scene.keys(1, 30);
            keys[5] = 42;
            scene.event(
                    new Place(Tier.DEVICE, "a"), BlockEvents.Change.STORED, Arrays.copyOf(keys, 6));

            assertThat(scene.plan(scene.prompt(1, 30)).supply().heldBlocks()).isLessThan(6);
        }

        @Test
        void aPromptThatIsAllThereStillComputesItsLastToken() {
            scene.holds(Tier.DEVICE, "a", 1, 30);
            var whole =
                    new RouteRequest(
                            1, Scene.keys(1, 30), Scene.BLOCK, 3000, 10, "", 0, Long.MAX_VALUE);

            assertThat(scene.plan(whole).prediction().prefillMillis()).isPositive();
        }

        @Test
        void theSecondOfTwoAlikeFollowsTheFirst() {
            var first = scene.dispatch(scene.prompt(1, 40)).plan();

            var second = scene.plan(scene.prompt(1, 40));

            assertThat(second.decodeWorker()).isEqualTo(first.decodeWorker());
            assertThat(second.supply().heldBlocks()).isEqualTo(40);
        }

        @Test
        void whatWasExpectedAndNeverCameIsForgotten() {
            var first = scene.dispatch(scene.prompt(1, 40));
            scene.router.finished(first.request().id());
            scene.advance(60_000).dispatch(scene.prompt(2, 1));

            assertThat(scene.plan(scene.prompt(1, 40)).supply().heldBlocks()).isZero();
        }

        @Test
        void aWorkerThatLeftHoldsNothing() {
            scene.holds(Tier.DEVICE, "b", 1, 30);
            scene.router.leave("b");
            scene.worker("b", WorkerRole.BOTH);

            assertThat(scene.plan(scene.prompt(1, 30)).supply().heldBlocks()).isZero();
        }
    }

    @Nested
    final class Peers {
        private Scene scene(Set<Tier> tiers) {
            return new Scene(
                            RouterOptions.of(Policy.PREDICTED, Mode.AGGREGATED)
                                    .withPeerTiers(tiers))
                    .worker("a", WorkerRole.BOTH)
                    .holds(Tier.HOST, "another-node", 1, 30);
        }

        @Test
        void blocksOfOtherNodesAreFetchedWhereThatIsPossible() {
            var scene = scene(Set.of(Tier.HOST));

            assertThat(scene.plan(scene.prompt(1, 30)).supply().sources())
                    .containsExactly(new Source(0, 30, new Place(Tier.HOST, "another-node")));
        }

        @Test
        void elsewhereTheyAreComputed() {
            var scene = scene(Set.of());

            assertThat(scene.plan(scene.prompt(1, 30)).supply().sources()).isEmpty();
        }

        @Test
        void remoteStoresAreWithinEverybodysReach() {
            var scene = scene(Set.of()).holds(Tier.REMOTE, "store", 3, 30);

            assertThat(scene.plan(scene.prompt(3, 30)).supply().sources())
                    .containsExactly(new Source(0, 30, new Place(Tier.REMOTE, "store")));
        }
    }
}
