package dev.stator.routing;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Comparator;
import java.util.HashSet;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What a router remembers, and several of them. */
final class RouterTest {
    @Nested
    final class Explanations {
        private final Scene scene =
                Scene.of(Mode.AGGREGATED).worker("a", WorkerRole.BOTH).worker("b", WorkerRole.BOTH);

        @Test
        void aDecisionNamesWhatItWasChosenAmong() {
            var decision = scene.dispatch(scene.prompt(1, 20));

            assertThat(decision.candidates()).hasSize(2).first().isEqualTo(decision.plan());
            assertThat(decision.candidates())
                    .isSortedAccordingTo(
                            Comparator.comparingDouble(plan -> plan.prediction().costMillis()));
        }

        @Test
        void itsActualPartsFollow() {
            var decision = scene.dispatch(scene.prompt(1, 20));
            long id = decision.request().id();
            assertThat(scene.router.explain(id).orElseThrow().actual()).isEmpty();

            var actual = new Actual(1, 2, 3, 4);
            scene.router.firstToken(id, actual);

            assertThat(scene.router.explain(id).orElseThrow().actual()).contains(actual);
            assertThat(scene.router.latest(10)).hasSize(1);
        }

        @Test
        void errorsAreKnownByStage() {
            assertThat(scene.router.predictionErrors()).isEmpty();
            var decision = scene.dispatch(scene.prompt(1, 20));
            double prefill = decision.plan().prediction().prefillMillis();
            scene.router.firstToken(decision.request().id(), new Actual(0, 0, 2 * prefill, 0));

            var error = requireNonNull(scene.router.predictionErrors().get(Stage.PREFILL));

            assertThat(error.samples()).isEqualTo(1);
            assertThat(error.biasMillis()).isCloseTo(-prefill, within(1e-6));
            assertThat(error.medianRelative()).isCloseTo(0.5, within(1e-6));
        }

        @Test
        void whatIsNotOnItsWayIsIgnored() {
            scene.router.firstToken(77, new Actual(1, 1, 1, 1));
            scene.router.finished(77);
            scene.router.report("gone", new WorkerLoad(1, 1, 1, 1, 1, 1, 1));
            scene.router.step("gone", new Step(1, 1, 1, 1), 1);

            assertThat(scene.router.predictionErrors()).isEmpty();
        }
    }

    @Nested
    final class SeveralRouters {
        private int distinctWorkers(int routers) {
            var scene =
                    new Scene(
                            RouterOptions.of(Policy.PREDICTED, Mode.AGGREGATED)
                                    .withRouters(routers));
            for (int i = 0; i < 4; i++) {
                scene.worker("w" + i, WorkerRole.BOTH);
            }
            // Reports come every two seconds, requests every ten milliseconds.
            for (int report = 0; report < 40; report++) {
                scene.advance(2000);
                for (int i = 0; i < 4; i++) {
                    scene.running("w" + i, 1);
                }
            }
            scene.advance(1000);
            var chosen = new HashSet<String>();
            for (int i = 0; i < 100; i++) {
                scene.advance(10);
                chosen.add(scene.plan(scene.prompt(1000 + i, 20)).decodeWorker());
            }
            return chosen.size();
        }

        @Test
        void oneAlwaysTakesTheBest() {
            assertThat(distinctWorkers(1)).isEqualTo(1);
        }

        @Test
        void severalSpreadOverWhatIsAboutAsGoodWhenReportsAreOld() {
            assertThat(distinctWorkers(4)).isGreaterThan(1);
        }
    }
}
