package dev.stator.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A node whose workers share its cores: 0.1 ms for a prompt token, 10 ms for a step that generates,
 * which prompts may make 15 % longer.
 */
final class SharedCoresTest {
    private static final double SLACK = 0.15;
    private static final double SHARE = SLACK / (1 + SLACK);
    private static final double STEP = 10 * (1 + SLACK);

    private final Scene scene = scene(Mode.DISAGGREGATED);

    private static Scene scene(Mode mode) {
        return new Scene(
                RouterOptions.of(Policy.PREDICTED, mode).withBindMillis(0).withSlack(SLACK));
    }

    @BeforeEach
    void oneWorkerOfEachRole() {
        scene.worker("p", "node", WorkerRole.PREFILL).worker("d", "node", WorkerRole.DECODE);
    }

    @Test
    void aPromptAloneHasAllCores() {
        assertThat(predicted(10).prefillMillis()).isCloseTo(100, within(5.0));
    }

    @Test
    void besideAnAnswerItHasTheSlack() {
        answerRuns(100, 0);

        assertThat(predicted(10).prefillMillis()).isCloseTo(100 / SHARE, within(40.0));
    }

    @Test
    void whenTheAnswerEndsItHasAllCoresAgain() {
        answerRuns(100, 90);

        double beside = 9 * STEP;
        assertThat(predicted(10).prefillMillis())
                .isCloseTo(beside + (100 - beside * SHARE), within(20.0));
    }

    @Test
    void thePromptBeforeItBecomesAnAnswer() {
        var first = scene.prompt(1, 10);
        scene.dispatch(first);
        scene.load("p", new WorkerLoad(0, 0, 1, 1001, 0, Scene.KV_TOKENS - 1001, 1));

        var second = predicted(50);

        assertThat(second.queueMillis()).isCloseTo(100, within(5.0));
        assertThat(second.queueMillis() + second.prefillMillis())
                .as("100 ms of the first, then beside its 100 tokens")
                .isGreaterThan(1100);
    }

    @Test
    void plansAreComparedWithoutTheWaitForCores() {
        double quiet = predicted(10).costMillis();
        answerRuns(100, 0);

        var prediction = predicted(10);

        assertThat(prediction.firstTokenMillis()).isGreaterThan(600);
        assertThat(prediction.costMillis()).isLessThan(quiet + 50);
    }

    @Test
    void aMixedWorkerIsSlowedDownByThoseWhoPrefill() {
        var mixed = scene(Mode.AGGREGATED);
        mixed.worker("p", "node", WorkerRole.PREFILL).worker("d", "node", WorkerRole.DECODE);
        double quiet = mixed.plan(mixed.prompt(1, 10)).prediction().prefillMillis();
        mixed.waiting("p", 50_000);

        assertThat(mixed.plan(mixed.prompt(1, 10)).prediction().prefillMillis())
                .isCloseTo(quiet * (1 + SLACK), within(quiet * 0.05));
    }

    @Test
    void answersAreAsLongAsTheyLatelyWere() {
        var jobs = new Jobs();
        for (int request = 1; request <= 200; request++) {
            jobs.add(new Jobs.Job(request, 0, 0, 100, 100));
            jobs.firstToken(request);
            for (int token = 1; token < 20; token++) {
                jobs.generated();
            }
            jobs.remove(request);
        }
        var job = new Jobs.Job(1000, 0, 0, 100, 100);
        jobs.add(job);
        assertThat(jobs.left(job)).isCloseTo(20, within(1.0));

        jobs.firstToken(1000);
        for (int token = 1; token < 10; token++) {
            jobs.generated();
        }
        assertThat(jobs.left(job)).isCloseTo(10, within(1.0));
    }

    private Prediction predicted(int blocks) {
        return scene.plan(scene.prompt(7, blocks)).prediction();
    }

    /** An answer of so many tokens, some of which are there. */
    private void answerRuns(int tokens, int had) {
        var decision = scene.dispatch(scene.prompt(3, 1));
        assertThat(decision.request().outputTokens()).isEqualTo(tokens);
        var as = decision.plan().prediction();
        scene.router.firstToken(
                decision.request().id(),
                new Actual(
                        as.queueMillis(),
                        as.fetchMillis(),
                        as.prefillMillis(),
                        as.handoffMillis()));
        for (int i = 0; i < had; i++) {
            scene.router.step("d", new Step(0, 0, 1, 100), 10);
        }
        long seen = decision.number();
        scene.load("d", new WorkerLoad(1, 100, 0, 0, 0, Scene.KV_TOKENS - 300, seen));
        scene.load("p", new WorkerLoad(0, 0, 0, 0, 0, Scene.KV_TOKENS, seen));
    }
}
