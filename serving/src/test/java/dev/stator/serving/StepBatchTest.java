package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.BlockKey;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class StepBatchTest {
    private static final int BLOCK = 32;

    private final StepBatch batch =
            new StepBatch(
                    new WorkerOptions("w", Role.DECODE, 8, 512, 8, 0, new Place(Tier.HOST, "n")),
                    (sequence, boundary) -> true,
                    new PrefillSpeed(),
                    BLOCK,
                    () -> false,
                    new AttentionTiles(1, 0),
                    (slot, from) -> {});

    @Test
    void answersAndPromptsShareAStep() {
        var answer = answering(0);
        var prompt = prompting(1);

        batch.fill(List.of(answer, prompt));

        assertThat(batch.sequences()).containsExactly(answer, prompt);
    }

    @Test
    void twoThatAProcessMayHaveDiedOfNeverShareAStep() {
        var innocent = answering(0);
        var guilty = prompting(1);
        var other = answering(2);
        innocent.request.crashed(innocent.request.generated());
        guilty.request.crashed(0);

        batch.fill(List.of(innocent, guilty, other));
        assertThat(batch.sequences()).containsExactly(innocent, other);

        // Its next token clears it, and the one that waited is tried with those that are clear.
        innocent.request.append(7);
        innocent.ready++;
        batch.fill(List.of(innocent, guilty, other));
        assertThat(batch.sequences()).containsExactly(innocent, other, guilty);
    }

    @Test
    void oneThatCannotGoOnKeepsNoOtherWaiting() {
        var taken = answering(0);
        var waits = prompting(1);
        var suspect = answering(2);
        for (var each : List.of(taken, waits, suspect)) {
            each.request.crashed(each.request.generated());
        }
        taken.preempted = true;
        waits.computable = false;

        batch.fill(List.of(taken, waits, suspect));

        assertThat(batch.sequences()).containsExactly(suspect);
    }

    @Test
    void anAnswerThatStandsStillComesBeforePromptsWithABlockAStep() {
        var answer = answering(0);
        var prompt = prompting(1);
        var still = answering(2);
        while (still.request.generated() < 2 * BLOCK) {
            still.request.append(6);
        }
        still.ready = BLOCK;
        still.computable = true;

        batch.fill(List.of(answer, prompt, still));

        assertThat(batch.sequences()).containsExactly(answer, still);
        assertThat(still.stepTokens).isEqualTo(BLOCK);
    }

    private static Sequence answering(int slot) {
        var sequence = sequence(slot);
        sequence.request.append(5);
        sequence.ready = sequence.request.size() - 1;
        return sequence;
    }

    private static Sequence prompting(int slot) {
        var sequence = sequence(slot);
        sequence.computable = true;
        return sequence;
    }

    private static Sequence sequence(int slot) {
        var request =
                new Request(
                        slot,
                        DemoNode.request(new int[] {1, 2, 3, 4}, 3 * BLOCK),
                        new Collected(),
                        BlockKey.root("model", ""),
                        BLOCK,
                        cancelled -> {});
        return new Sequence(request, true, slot, Optional.empty(), List.of());
    }
}
