package dev.stator.sim.time;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

final class RooflineTest {
    private static final Catalog CATALOG = Catalog.builtIn();

    private static WorkerShape shape(String model, String gpu, int gpus, String precision) {
        return new WorkerShape(
                CATALOG.model(model), CATALOG.gpu(gpu), gpus, CATALOG.precision(precision));
    }

    private static Roofline worker(String model, String gpu, int gpus, String precision) {
        return new Roofline(shape(model, gpu, gpus, precision));
    }

    @Test
    void oneAnswerWaitsForTheWeightsToBeRead() {
        var worker = worker("llama-3.1-8b", "h100-sxm", 1, "fp16");
        // 7.5 G parameters of layers and output at 2 bytes, at 80 % of 3.35 TB/s, and 32 layers.
        double expected = 7.5e9 * 2 / (0.8 * 3.35e12) * 1e3 + 32 * 0.045 + 0.5;

        assertThat(worker.stepMillis(StepWork.decode(1, 1))).isCloseTo(expected, within(0.05));
    }

    @Test
    void aLongPromptWaitsForItsOperations() {
        var worker = worker("llama-3.3-70b", "h100-sxm", 1, "fp8");
        double dense = 2 * 68.5e9 * 8192 / (0.53 * 1978.9e12);
        double attention = 4 * 64 * 128 * 80 * (8192.0 * 8193 / 2) / (0.7 * 989.4e12);

        assertThat(worker.stepMillis(StepWork.prefill(0, 8192)) / 1e3)
                .isCloseTo(dense + attention, within(0.01));
    }

    @Test
    void aSmallBatchOfAnswersCostsLittleMoreThanOne() {
        var worker = worker("llama-3.3-70b", "h100-sxm", 2, "fp8");
        double one = worker.stepMillis(StepWork.decode(1, 1000));

        assertThat(worker.stepMillis(StepWork.decode(16, 16_000))).isLessThan(1.1 * one);
        assertThat(worker.stepMillis(StepWork.decode(2048, 2_048_000))).isGreaterThan(5 * one);
    }

    @Test
    void promptsAndAnswersTogetherTakeLessThanApartAndMoreThanEither() {
        var worker = worker("qwen3-32b", "h100-sxm", 1, "fp8");
        var prompt = StepWork.prefill(1000, 512);
        var answers = StepWork.decode(32, 64_000);
        var both =
                new StepWork(
                        prompt.prefillTokens(),
                        prompt.prefillAttended(),
                        answers.decodes(),
                        answers.decodeContext());

        assertThat(worker.stepMillis(both))
                .isLessThan(worker.stepMillis(prompt) + worker.stepMillis(answers))
                .isGreaterThan(worker.stepMillis(prompt))
                .isGreaterThan(worker.stepMillis(answers));
    }

    @Test
    void moreWorkNeverTakesLess() {
        var random = RandomGeneratorFactory.of("L64X128MixRandom").create(7);
        for (var worker : everyKind()) {
            for (int i = 0; i < 2000; i++) {
                var less = anyWork(random);
                var more =
                        new StepWork(
                                less.prefillTokens() + random.nextInt(100),
                                less.prefillAttended() * (1 + random.nextDouble()),
                                less.decodes() + random.nextInt(10),
                                less.decodeContext() + random.nextInt(100_000));
                // What a token of a prompt attends to on average must not fall.
                var grown =
                        new StepWork(
                                more.prefillTokens(),
                                Math.max(
                                        more.prefillAttended(),
                                        less.prefillAttended()
                                                * more.prefillTokens()
                                                / Math.max(1, less.prefillTokens())),
                                more.decodes(),
                                more.decodeContext());
                assertThat(worker.stepMillis(grown))
                        .as("%s after %s on %s", grown, less, worker.shape())
                        .isGreaterThanOrEqualTo(worker.stepMillis(less) * (1 - 1e-9));
            }
        }
    }

    private static List<Roofline> everyKind() {
        return List.of(
                worker("llama-3.1-8b", "l4", 1, "fp8"),
                worker("llama-3.3-70b", "h100-sxm", 4, "fp8-kv16"),
                worker("gpt-oss-120b", "h100-sxm", 4, "mxfp4"),
                worker("qwen3-235b-a22b", "h200-sxm", 8, "fp8"),
                worker("deepseek-v3", "h200-sxm", 8, "fp8"));
    }

    private static StepWork anyWork(RandomGenerator random) {
        int prompt = random.nextInt(4096);
        int answers = random.nextInt(256);
        return new StepWork(
                prompt,
                StepWork.attended(random.nextInt(30_000), prompt),
                answers,
                (long) answers * random.nextInt(1, 20_000));
    }

    @Test
    void moreGpusAreFasterButNotAsManyTimes() {
        var two = worker("llama-3.3-70b", "h100-sxm", 2, "fp8");
        var eight = worker("llama-3.3-70b", "h100-sxm", 8, "fp8");
        for (var work : List.of(StepWork.prefill(0, 4096), StepWork.decode(32, 64_000))) {
            assertThat(two.stepMillis(work) / eight.stepMillis(work))
                    .isGreaterThan(1.2)
                    .isLessThan(4);
        }
    }

    @Test
    void aStepOfManyTokensTouchesEveryExpert() {
        var experts = new Experts(128, 8, 768, 0);

        assertThat(experts.touched(0)).isZero();
        assertThat(experts.touched(1)).isCloseTo(8, within(1e-9));
        assertThat(experts.touched(10_000)).isCloseTo(128, within(1e-9));
    }

    @Test
    void aFewAnswersOfAModelWithExpertsReadFewOfThem() {
        var worker = worker("gpt-oss-120b", "h100-sxm", 4, "mxfp4");

        assertThat(worker.stepMillis(StepWork.decode(64, 64_000)))
                .isGreaterThan(2 * worker.stepMillis(StepWork.decode(1, 1000)));
    }

    @Test
    void layersWithAWindowDoNotReadBeyondIt() {
        var shape = shape("gpt-oss-120b", "h100-sxm", 1, "mxfp4");
        var worker = new Roofline(shape);
        double once = worker.stepMillis(StepWork.decode(1, 100_000));
        double twice = worker.stepMillis(StepWork.decode(1, 200_000));
        double bytes = 100_000.0 * shape.kvBytesPerToken() / 2;

        assertThat(twice - once).isCloseTo(1e3 * bytes / (0.8 * 3.35e12), within(1e-6));
    }

    @Test
    void latentAttentionKeepsAsMuchOnEveryGpu() {
        var shape = shape("deepseek-v3", "h200-sxm", 8, "fp8");

        assertThat(shape.kvBytesPerToken()).isEqualTo((512 + 64) * 61);
        assertThat(shape.kvTokens()).isEqualTo((long) (shape.kvBytesPerGpu() / (576 * 61)));
    }

    @Test
    void kvMovesOverTheLinksOfAllGpus() {
        var one = worker("llama-3.1-8b", "h100-sxm", 1, "fp16");
        var four = worker("llama-3.1-8b", "h100-sxm", 4, "fp16");

        assertThat(one.kvBytesPerToken()).isEqualTo(131_072);
        // 131,072 bytes a token at 80 % of 50 GB/s, and a millisecond.
        assertThat(one.moveMillis(10_000, Link.NETWORK)).isCloseTo(1 + 32.768, within(1e-3));
        assertThat(four.moveMillis(10_000, Link.NETWORK)).isCloseTo(1 + 8.192, within(1e-3));
        assertThat(one.moveMillis(0, Link.NETWORK)).isEqualTo(1);
    }

    @Test
    void aLinkCanBeReplaced() {
        var slow = CATALOG.gpu("h100-sxm").with(Link.NETWORK, new Wire(1.25, 0.8, 2));
        var worker =
                new Roofline(
                        new WorkerShape(
                                CATALOG.model("llama-3.1-8b"), slow, 1, CATALOG.precision("fp16")));

        assertThat(worker.moveMillis(1000, Link.NETWORK)).isCloseTo(2 + 131.072, within(1e-3));
    }

    @Test
    void whatCannotRunIsRefusedWithAWayOut() {
        assertThatExceptionOfType(SetupException.class)
                .isThrownBy(() -> worker("llama-3.3-70b", "h100-sxm", 1, "fp16"))
                .withMessageContaining("has no room for KV")
                .withMessageContaining("take more GPUs or a smaller precision");
        assertThatExceptionOfType(SetupException.class)
                .isThrownBy(() -> worker("llama-3.1-8b", "h100-sxm", 16, "fp16"))
                .withMessageContaining("a host has 8 h100-sxm");
        assertThatExceptionOfType(SetupException.class)
                .isThrownBy(() -> worker("llama-3.1-8b", "h100-sxm", 3, "fp16"))
                .withMessage("the 32 attention heads of llama-3.1-8b cannot be split over 3 GPUs");
        assertThatExceptionOfType(SetupException.class)
                .isThrownBy(() -> worker("llama-3.1-8b", "a100-80gb-sxm", 1, "fp8"))
                .withMessage("a100-80gb-sxm does not multiply in FP8, which precision 'fp8' needs");
    }

    @Test
    void aStepCannotDoLessThanNothing() {
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> StepWork.decode(-1, 0));
    }

    @Test
    void tokensAttendToWhatPrecedesThemAndToThemselves() {
        assertThat(StepWork.attended(0, 4)).isEqualTo(1 + 2 + 3 + 4);
        assertThat(StepWork.attended(10, 2)).isEqualTo(11 + 12);
    }
}
