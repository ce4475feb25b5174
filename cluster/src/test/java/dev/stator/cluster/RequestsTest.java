package dev.stator.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.cluster.wire.Generation;
import dev.stator.engine.Certainty;
import dev.stator.engine.Sampled;
import dev.stator.engine.SamplingOptions;
import dev.stator.routing.queue.Admission.Cause;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.Guard;
import dev.stator.serving.Retention;
import dev.stator.serving.ServiceClass;
import dev.stator.serving.Splice;
import dev.stator.serving.Standing;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** What goes over the wire arrives as it was. */
final class RequestsTest {
    private static final long NOW = 5_000_000_000L;

    private static <T> Optional<T> maybe(Random random, T value) {
        return random.nextBoolean() ? Optional.of(value) : Optional.empty();
    }

    private static GenerationRequest any(Random random) {
        int[] prompt = random.ints(random.nextInt(1, 300), 0, 1 << 17).toArray();
        var biases = Map.of(random.nextInt(1000), random.nextFloat(), 1000, -100f);
        var sampling =
                new SamplingOptions(
                        random.nextFloat(),
                        random.nextFloat(),
                        random.nextInt(100),
                        random.nextFloat(),
                        random.nextFloat(-2, 2),
                        random.nextFloat(-2, 2),
                        random.nextFloat(),
                        random.nextBoolean() ? biases : Map.of(),
                        random.nextBoolean()
                                ? OptionalLong.of(random.nextLong())
                                : OptionalLong.empty(),
                        random.nextBoolean(),
                        random.nextInt(21),
                        maybe(random, "root ::= \"ä\\n\" [0-9]+"));
        var splice =
                new Splice(
                        random.nextInt(10),
                        List.of(
                                new Splice.Passage(10, 20),
                                new Splice.Passage(20, 31, List.of(7, 8), List.of(9))),
                        random.nextInt(5),
                        List.of(new Splice.Passage(12, 14)),
                        random.nextBoolean()
                                ? Optional.of(new Guard(random.nextDouble(), 3))
                                : Optional.empty());
        return new GenerationRequest(
                "chatcmpl-" + random.nextInt(),
                prompt,
                random.nextInt(1, 5000),
                sampling,
                random.nextBoolean() ? List.of("\n\n", "Ende 😀") : List.of(),
                random.nextBoolean() ? Set.of(3, 77) : Set.of(),
                random.nextBoolean(),
                "salt " + random.nextInt(),
                new Standing(
                        ServiceClass.values()[random.nextInt(3)],
                        "tenant " + random.nextInt(),
                        random.nextInt(101),
                        Long.MAX_VALUE),
                random.nextBoolean() ? List.of(new Retention(5, Duration.ofMinutes(5))) : List.of(),
                maybe(random, splice),
                random.nextInt(prompt.length));
    }

    @RepeatedTest(100)
    void requests(RepetitionInfo repetition) throws Exception {
        var sent = any(new Random(repetition.getCurrentRepetition()));

        var received =
                Requests.request(
                        Generation.parseFrom(Requests.message(sent, NOW).toByteArray()), NOW);

        assertThat(received).usingRecursiveComparison().isEqualTo(sent);
    }

    @Test
    void aDeadlineIsThatOfTheReceiversClock() {
        var standing =
                new Standing(ServiceClass.PRIORITY, "", NOW + Duration.ofMinutes(30).toNanos());
        var sent =
                new GenerationRequest(
                        "id",
                        new int[] {1},
                        1,
                        SamplingOptions.GREEDY,
                        List.of(),
                        Set.of(),
                        false,
                        "",
                        standing);

        // Who receives it counts from another moment.
        var received = Requests.request(Requests.message(sent, NOW), -NOW);

        assertThat(received.standing().deadlineNanos())
                .isEqualTo(-NOW + Duration.ofMinutes(30).toNanos());
    }

    @Test
    void aSenderThatKnowsNoQuotasSetsNone() {
        var sent = Requests.message(any(new Random(1)), NOW).toBuilder().clearCachePercent();

        assertThat(Requests.request(sent.build(), NOW).standing().cachePercent()).isEqualTo(100);
    }

    @Test
    void aClassOfRequestsThatNobodyKnowsIsNamed() {
        var message = Generation.newBuilder().addPrompt(1).setServiceClass("royal").build();

        assertThatThrownBy(() -> Requests.request(message, NOW)).hasMessageContaining("'royal'");
    }

    @Test
    void tokens() {
        var plain = new GeneratedToken(new Sampled(7, Float.NaN, List.of()), "ä");
        var logged =
                new GeneratedToken(
                        new Sampled(
                                7,
                                -0.5f,
                                List.of(
                                        new Sampled.Candidate(7, -0.5f),
                                        new Sampled.Candidate(9, -1.25f))),
                        "");

        assertThat(Answers.token(Answers.message(plain))).isEqualTo(plain);
        assertThat(Answers.token(Answers.message(logged))).isEqualTo(logged);
    }

    @Test
    void ends() {
        var account =
                new Account(
                        "split",
                        "prefill-0",
                        "decode-1",
                        Map.of("host", 3, "computed", 4),
                        2,
                        new int[] {1, 2},
                        Map.of("queue", 1.5),
                        Optional.empty(),
                        OptionalInt.of(64),
                        Optional.of(new Account.Guarded(false, new Certainty(0.5, 2))),
                        Optional.of("in doubt"),
                        Optional.of("stop"));
        for (var reason : FinishReason.values()) {
            var message = Answers.message(reason, "tail", account);
            assertThat(Answers.reason(message)).isEqualTo(reason);
            assertThat(message.getTail()).isEqualTo("tail");
            assertThat(message.getPromptTokensBySourceMap())
                    .isEqualTo(account.promptTokensBySource());
            assertThat(message.getPinnedTokens()).isEqualTo(64);
            assertThat(Answers.guarded(message)).isEqualTo(account.guarded());
            assertThat(message.getExactBecause()).isEqualTo("in doubt");
            assertThat(message.getStop()).isEqualTo("stop");
        }
        for (var cause : Cause.values()) {
            var shed = new Admission.Shed(cause, 3, "no room");
            assertThat(Answers.shed(Answers.message(shed))).isEqualTo(shed);
        }
    }

    @Test
    void listsOfTokens() {
        int[] values = IntStream.range(0, 100).toArray();
        assertThat(Ints.unboxed(Ints.boxed(values))).isEqualTo(values);
        assertThat(Ints.boxed(values)).hasSize(100).startsWith(0, 1);
    }
}
