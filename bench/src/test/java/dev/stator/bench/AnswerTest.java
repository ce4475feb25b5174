package dev.stator.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.engine.Sampled;
import dev.stator.routing.queue.Admission.Cause;
import dev.stator.serving.Admission;
import dev.stator.serving.GeneratedToken;
import java.util.List;
import org.junit.jupiter.api.Test;

class AnswerTest {
    private static GeneratedToken token(int id) {
        return new GeneratedToken(new Sampled(id, Float.NaN, List.of()), "");
    }

    @Test
    void gapsAreBetweenNeighboursWithinTheWindow() {
        var answer = new Answer(3);
        answer.onToken(token(1));
        answer.onToken(token(2));
        answer.onToken(token(3));

        assertThat(answer.tokens()).containsExactly(1, 2, 3);
        assertThat(answer.gapsBetween(answer.firstNanos(), answer.lastNanos())).hasSize(2);
        assertThat(answer.gapsBetween(answer.lastNanos() + 1, Long.MAX_VALUE)).isEmpty();
        assertThat(answer.countBetween(Long.MIN_VALUE, answer.lastNanos())).isEqualTo(3);
    }

    @Test
    void failureReachesWhoeverWaits() {
        var answer = new Answer(1);
        answer.onFailure("out of cells");

        assertThatThrownBy(answer::awaitEnd)
                .isInstanceOf(BenchException.class)
                .hasMessageContaining("out of cells");
    }

    @Test
    void shedRequestIsAFailure() {
        assertThatThrownBy(
                        () ->
                                new Answer(1)
                                        .admitted(new Admission.Shed(Cause.QUEUE_FULL, 1, "full")))
                .isInstanceOf(BenchException.class)
                .hasMessageContaining("full");
    }
}
