package dev.stator.cache.chunk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.chunk.PassageIndex.Found;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

final class PassageIndexTest {
    private static final int VOCABULARY = 32_000;

    private final PassageIndex index = new PassageIndex(16 << 20, 7, TextBounds.UNKNOWN);
    private final Random random = new Random(5);
    private final int[] head = text(20);

    private int[] text(int length) {
        return random.ints(length, 0, VOCABULARY).toArray();
    }

    private static int[] joined(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
    }

    private List<Found> see(int[]... parts) {
        return index.see("", joined(parts), head.length);
    }

    private static int[] of(int[] prompt, Found found) {
        return Arrays.copyOfRange(prompt, found.from(), found.to());
    }

    @Test
    void aDeclaredPassageIsFoundWhereverItStands() {
        int[] passage = text(200);
        index.know("", passage);

        var found = see(head, text(33), passage, text(40));

        assertThat(found).hasSize(1);
        assertThat(found.getFirst().from()).isEqualTo(head.length + 33);
        assertThat(found.getFirst().length()).isEqualTo(200);
        assertThat(found.getFirst().whole()).isEqualTo(passage);
        assertThat(found.getFirst().offset()).isZero();
    }

    @Test
    void whatTwoPromptsHaveInCommonIsAPassage() {
        int[] passage = text(100);
        assertThat(see(head, text(50), passage, text(30))).isEmpty();
        var second = see(head, text(70), passage, text(30));
        assertThat(second).singleElement().satisfies(f -> assertThat(f.length()).isEqualTo(100));
        assertThat(see(head, passage, text(30))).hasSize(1);
        assertThat(index.size()).isEqualTo(1);
    }

    @Test
    void commonBeginningsAndEndsAreNone() {
        int[] history = text(300);
        int[] question = text(100);
        see(head, history, text(30));
        assertThat(see(head, history, text(40))).as("reused exactly").isEmpty();
        see(head, text(60), question);
        assertThat(see(head, text(90), question)).as("the question").isEmpty();
        assertThat(index.size()).isZero();
    }

    @Test
    void neighboursThatCameTogetherPartWhenTheyComeAlone() {
        int[] one = text(120);
        int[] other = text(150);
        see(head, text(30), one, other, text(30));
        assertThat(see(head, text(50), one, other, text(30)))
                .singleElement()
                .satisfies(f -> assertThat(f.length()).isEqualTo(270));

        int[] swapped = joined(head, text(40), other, one, text(30));
        var found = index.see("", swapped, head.length);

        assertThat(found).hasSize(2);
        assertThat(of(swapped, found.get(0))).isEqualTo(other);
        assertThat(found.get(0).offset()).as("a passage of its own").isZero();
        assertThat(found.get(0).whole()).isEqualTo(other);
        assertThat(of(swapped, found.get(1))).isEqualTo(one);
        assertThat(found.get(1).offset()).isZero();
    }

    @Test
    void aSeamMayTakeSomeTokens() {
        int[] passage = text(100);
        index.know("", passage);
        int[] inner = Arrays.copyOfRange(passage, 2, 97);

        var found = see(head, text(10), inner, text(30));

        assertThat(found).singleElement().satisfies(f -> assertThat(f.offset()).isEqualTo(2));
        assertThat(found.getFirst().length()).isEqualTo(95);
        assertThat(found.getFirst().whole()).isEqualTo(passage);
    }

    /** Labels begin alike: what is in common reaches into the one behind, and lacks it before. */
    @Test
    void passagesAreWholeLines() {
        int line = 5;
        var bounded = new PassageIndex(16 << 20, 7, token -> token == line ? TextBounds.LINE : 0);
        int[] label = {7, 8, 9};
        int[] one = joined(label, text(60), new int[] {line});
        int[] other = joined(label, text(60), new int[] {line});
        int[] third = joined(label, text(60), new int[] {line});
        int[] own = joined(text(20), new int[] {line});
        bounded.see("", joined(head, own, one, other, text(9)), head.length);

        int[] prompt = joined(head, own, third, one, third, other, own);
        var found = bounded.see("", prompt, head.length);

        assertThat(found).hasSize(2);
        assertThat(of(prompt, found.get(0))).isEqualTo(one);
        assertThat(of(prompt, found.get(1))).isEqualTo(other);
    }

    @Test
    void shortRunsAreNotWorthIt() {
        int[] passage = text(PassageIndex.LEAST - 1);
        index.know("", passage);
        assertThat(index.size()).isZero();
        see(head, text(60), passage, text(30));
        assertThat(see(head, text(80), passage, text(30))).isEmpty();
    }

    @Test
    void tenantsDoNotSeeEachOthers() {
        int[] passage = text(200);
        index.know("one", passage);
        int[] prompt = joined(head, text(40), passage, text(30));
        assertThat(index.see("other", prompt, head.length)).isEmpty();
        assertThat(index.see("one", prompt, head.length)).hasSize(1);
    }

    @Test
    void aForgottenPassageIsNotFoundAgain() {
        int[] passage = text(200);
        see(head, text(40), passage, text(30));
        see(head, text(60), passage, text(30));
        index.forget("", passage);
        assertThat(index.size()).isZero();
        assertThat(see(head, text(50), passage, text(30))).isEmpty();
    }

    @Test
    void theNextTurnTakesTheEarlierPromptsPlace() {
        int[] turn = joined(head, text(400));
        index.see("", turn, head.length);
        long before = index.bytes();
        for (int i = 0; i < 20; i++) {
            turn = joined(turn, text(20));
            assertThat(index.see("", turn, head.length)).isEmpty();
        }
        assertThat(index.bytes()).isLessThan(3 * before);
    }

    @Test
    void memoryIsBounded() {
        var small = new PassageIndex(200_000, 7, TextBounds.UNKNOWN);
        for (int i = 0; i < 200; i++) {
            small.see("", text(500), 0);
            small.know("", text(300));
            assertThat(small.bytes()).isLessThanOrEqualTo(200_000);
        }
        int[] latest = text(300);
        small.know("", latest);
        assertThat(small.see("", joined(text(30), latest, text(9)), 0)).hasSize(1);
        small.see("", text(1_000_000), 0);
        assertThat(small.bytes()).isLessThanOrEqualTo(200_000);
    }

    @Test
    void textThatRepeatsItselfAndEmptyPromptsDoNoHarm() {
        int[] same = new int[1_000];
        index.know("", same);
        see(head, same, text(10));
        see(head, text(10), same, same, text(10));
        assertThat(index.see("", new int[0], 0)).isEmpty();
        assertThat(index.see("", new int[] {1}, 0)).isEmpty();
        index.know("", new int[0]);
    }

    /** Passages cut, repeated, neighbours in any order: what is found is really there. */
    @RepeatedTest(30)
    void whatIsFoundIsTrue(RepetitionInfo repetition) {
        var dice = new Random(repetition.getCurrentRepetition());
        var pool = new ArrayList<int[]>();
        for (int i = 0; i < 12; i++) {
            pool.add(
                    dice.ints(30 + dice.nextInt(200), 0, dice.nextBoolean() ? 50 : 30_000)
                            .toArray());
        }
        for (int round = 0; round < 60; round++) {
            var parts = new ArrayList<int[]>();
            parts.add(head);
            for (int i = dice.nextInt(6); i >= 0; i--) {
                int[] passage = pool.get(dice.nextInt(pool.size()));
                int from = dice.nextInt(4) == 0 ? dice.nextInt(passage.length) : 0;
                parts.add(Arrays.copyOfRange(passage, from, passage.length));
                parts.add(dice.ints(dice.nextInt(20), 0, 30_000).toArray());
            }
            int[] prompt = joined(parts.toArray(int[][]::new));
            if (dice.nextInt(5) == 0) {
                index.know("", pool.get(dice.nextInt(pool.size())));
            }
            int end = head.length;
            for (var found : index.see("", prompt, head.length)) {
                assertThat(found.from()).isGreaterThanOrEqualTo(end);
                assertThat(found.length()).isGreaterThanOrEqualTo(PassageIndex.LEAST);
                assertThat(of(prompt, found))
                        .isEqualTo(
                                Arrays.copyOfRange(
                                        found.whole(),
                                        found.offset(),
                                        found.offset() + found.length()));
                end = found.to();
            }
        }
    }
}
