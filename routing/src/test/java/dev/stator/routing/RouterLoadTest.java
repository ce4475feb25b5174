package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.stator.routing.index.Tier;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What is busy, full, slow or silent. */
final class RouterLoadTest {
    @Nested
    final class Room {
        private final Scene scene =
                Scene.of(Mode.AGGREGATED).worker("a", WorkerRole.BOTH).worker("b", WorkerRole.BOTH);

        @Test
        void aWorkerThatRunsAllItMayIsPassedOver() {
            scene.running("a", 8).running("b", 7);

            assertThat(scene.plan(scene.prompt(1, 1)).decodeWorker()).isEqualTo("b");
        }

        @Test
        void aWorkerWithTooLittleMemoryIsPassedOver() {
            scene.load("a", new WorkerLoad(7, 97_000, 0, 0, 0, 3000, 0)).running("b", 7);

            assertThat(scene.plan(scene.prompt(1, 30)).decodeWorker()).isEqualTo("b");
        }

        @Test
        void ifNobodyHasRoomTheRequestWaits() {
            scene.running("a", 8).running("b", 8);

            assertThat(scene.router.decide(scene.prompt(1, 1))).isEmpty();
        }

        @Test
        void unlessItIsOverdue() {
            scene.running("a", 8).running("b", 8);

            assertThat(scene.router.decide(scene.prompt(1, 1), true)).isPresent();
        }

        @Test
        void aRequestWaitsForTheWorkerThatHoldsItsPrefix() {
            scene.holds(Tier.DEVICE, "b", 1, 90).running("b", 8);

            assertThat(scene.router.decide(scene.prompt(1, 90))).isEmpty();
            assertThat(scene.router.decide(scene.prompt(2, 90))).isPresent();
        }

        @Test
        void anIdleWorkerTakesWhateverComes() {
            scene.router.leave("b");

            assertThat(scene.router.decide(scene.prompt(1, Scene.KV_TOKENS / Scene.BLOCK)))
                    .isPresent();
        }

        @Test
        void withoutWorkersNothingStarts() {
            scene.router.leave("a");
            scene.router.leave("b");

            assertThat(scene.router.decide(scene.prompt(1, 1))).isEmpty();
        }

        @Test
        void aBoundThatIsLooseBindsToWorkersThatWillHaveRoom() {
            var loose =
                    new Scene(
                                    RouterOptions.of(Policy.PREDICTED, Mode.AGGREGATED)
                                            .withBindMillis(Double.POSITIVE_INFINITY))
                            .worker("a", WorkerRole.BOTH)
                            .running("a", 8);

            assertThat(loose.plan(loose.prompt(1, 1)).prediction().queueMillis()).isPositive();
        }
    }

    @Nested
    final class Bookings {
        private final Scene scene =
                Scene.of(Mode.AGGREGATED).worker("a", WorkerRole.BOTH).worker("b", WorkerRole.BOTH);

        @Test
        void whatWasSentCountsBeforeItIsReported() {
            var first = scene.dispatch(scene.prompt(1, 20)).plan().decodeWorker();
            var second = scene.dispatch(scene.prompt(2, 20)).plan().decodeWorker();
            var third = scene.plan(scene.prompt(3, 20));

            assertThat(second).isNotEqualTo(first);
            assertThat(third.prediction().queueMillis()).isCloseTo(201, within(20.0));
        }

        @Test
        void aReportThatIncludesItReplacesIt() {
            var first = scene.dispatch(scene.prompt(1, 20));
            var worker = first.plan().decodeWorker();
            scene.load(
                    worker,
                    new WorkerLoad(0, 0, 1, 500, 0, Scene.KV_TOKENS - 2000, first.number()));

            scene.router.leave(worker.equals("a") ? "b" : "a");

            assertThat(scene.plan(scene.prompt(2, 20)).prediction().queueMillis())
                    .isCloseTo(51, within(10.0));
        }

        @Test
        void aReportFromBeforeDoesNot() {
            var first = scene.dispatch(scene.prompt(1, 20));
            var worker = first.plan().decodeWorker();
            scene.running(worker, 0);

            assertThat(scene.plan(scene.prompt(2, 20)).decodeWorker()).isNotEqualTo(worker);
        }

        @Test
        void whatEndsBeforeItIsReportedIsForgotten() {
            var first = scene.dispatch(scene.prompt(1, 20));
            scene.router.finished(first.request().id());

            assertThat(scene.plan(scene.prompt(2, 20)).prediction().queueMillis()).isZero();
        }

        @Test
        void workThatGoesOnShrinksWithTime() {
            scene.router.leave("b");
            scene.dispatch(scene.prompt(1, 8));
            double before = scene.plan(scene.prompt(2, 8)).prediction().queueMillis();
            scene.advance(50);

            assertThat(scene.plan(scene.prompt(2, 8)).prediction().queueMillis())
                    .isCloseTo(before - 50, within(0.1));
        }
    }

    @Nested
    final class Slowness {
        private final Scene scene =
                Scene.of(Mode.AGGREGATED).worker("a", WorkerRole.BOTH).worker("b", WorkerRole.BOTH);

        @Test
        void aSlowWorkerRepels() {
            scene.teach("b", 1);
            scene.teach("a", 5);

            assertThat(scene.plan(scene.prompt(1, 20)).decodeWorker()).isEqualTo("b");
        }

        @Test
        void aPrefixOnASlowWorkerCountsLess() {
            scene.holds(Tier.DEVICE, "a", 1, 10);
            assertThat(scene.plan(scene.prompt(1, 20)).decodeWorker()).isEqualTo("a");

            scene.teach("a", 5);

            assertThat(scene.plan(scene.prompt(1, 20)).decodeWorker()).isEqualTo("b");
        }

        @Test
        void afterAWhileItIsTriedAgain() {
            scene.teach("a", 5);
            double slow = predicted("a");
            scene.advance(200_000);

            assertThat(predicted("a")).isLessThan(slow / 2);
        }

        private double predicted(String worker) {
            return scene.router.decide(scene.prompt(1, 20)).orElseThrow().candidates().stream()
                    .filter(plan -> plan.decodeWorker().equals(worker))
                    .findFirst()
                    .orElseThrow()
                    .prediction()
                    .prefillMillis();
        }

        @Test
        void aWorkerThatFallsSilentRepelsEverMore() {
            scene.router.leave("b");
            scene.dispatch(scene.prompt(1, 1));
            scene.advance(10_000);
            double early = scene.plan(scene.prompt(2, 1)).prediction().queueMillis();
            scene.advance(10_000);
            double late = scene.plan(scene.prompt(2, 1)).prediction().queueMillis();

            assertThat(early).isGreaterThan(5000);
            assertThat(late).isCloseTo(early + 10_000, within(1.0));
        }

        @Test
        void aWorkerThatHasNothingToDoMayBeSilent() {
            scene.advance(1e9);

            assertThat(scene.plan(scene.prompt(2, 1)).prediction().queueMillis()).isZero();
        }

        @Test
        void whatFirstTokensTakeBeyondTheStepsIsLearned() {
            scene.router.leave("b");
            for (int i = 0; i < 200; i++) {
                var decision = scene.dispatch(scene.prompt(100 + i, 20));
                scene.router.firstToken(decision.request().id(), new Actual(0, 0, 400, 0));
                scene.router.finished(decision.request().id());
            }

            assertThat(scene.plan(scene.prompt(1, 20)).prediction().prefillMillis())
                    .isCloseTo(400, within(40.0));
        }
    }

    @Nested
    final class Harm {
        @Test
        void aCrowdedWorkerIsAvoidedThoughTheFirstTokenWouldComeAsSoon() {
            var scene =
                    Scene.of(Mode.AGGREGATED)
                            .worker("a", WorkerRole.BOTH)
                            .worker("b", WorkerRole.BOTH);
            scene.running("a", 6).running("b", 1);

            assertThat(scene.plan(scene.prompt(1, 20)).decodeWorker()).isEqualTo("b");
        }

        @Test
        void underLoadSavedWorkCountsForThoseWhoWait() {
            var scene =
                    Scene.of(Mode.AGGREGATED)
                            .worker("a", WorkerRole.BOTH)
                            .worker("b", WorkerRole.BOTH)
                            .holds(Tier.DEVICE, "a", 1, 30);
            scene.load("a", new WorkerLoad(0, 0, 4, 10_000, 0, 80_000, 0));
            scene.load("b", new WorkerLoad(0, 0, 4, 5000, 0, 80_000, 0));

            // Its own first token would come sooner from b.
            assertThat(scene.plan(scene.prompt(1, 30)).decodeWorker()).isEqualTo("a");
        }
    }
}
