package dev.stator.api.documents;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.api.documents.DocumentOrder.Item;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DocumentOrderTest {
    private static final long HEAD = 7;

    private final DocumentOrder order = new DocumentOrder(1_000);

    private List<Long> arranged(long head, long... keys) {
        var set = Arrays.stream(keys).mapToObj(key -> new Item(key, 100)).toList();
        return Arrays.stream(order.arrange(head, set)).mapToObj(i -> set.get(i).key()).toList();
    }

    @Test
    void nothingIsKnownAtFirstSoTheBestComeFirst() {
        assertThat(arranged(HEAD, 3, 1, 2)).containsExactly(3L, 1L, 2L);
    }

    @Test
    void theSameSetInAnotherOrderStandsAsBefore() {
        arranged(HEAD, 1, 2, 3);

        assertThat(arranged(HEAD, 3, 2, 1)).containsExactly(1L, 2L, 3L);
    }

    @Test
    void aSetBeginsWithWhatItSharesWithAnEarlierOne() {
        arranged(HEAD, 1, 2, 3);

        assertThat(arranged(HEAD, 9, 2, 8, 1)).startsWith(1L, 2L);
    }

    @Test
    void theLongestPathIsTakenThoughAnotherBeginsMoreOften() {
        arranged(HEAD, 1);
        arranged(HEAD, 1, 5);
        arranged(HEAD, 1, 6);
        arranged(8, 2, 3, 4);
        order.arrange(HEAD, List.of(new Item(2, 100), new Item(3, 100), new Item(4, 100)));

        assertThat(arranged(HEAD, 1, 2, 3, 4)).startsWith(2L, 3L, 4L);
    }

    @Test
    void whatCameOftenStandsBeforeWhatDidNot() {
        arranged(1, 5, 4);
        arranged(2, 4);
        arranged(3, 4);

        assertThat(arranged(HEAD, 9, 5, 4)).containsExactly(4L, 5L, 9L);
    }

    @Test
    void anotherHeadSharesNothing() {
        arranged(HEAD, 1, 2);
        arranged(8, 2, 1);

        assertThat(arranged(HEAD, 2, 1)).containsExactly(1L, 2L);
        assertThat(arranged(8, 1, 2)).containsExactly(2L, 1L);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void everySetIsPermutedAndMemoryIsBounded(long seed) {
        var random = new Random(seed);
        var bounded = new DocumentOrder(200);
        for (int round = 0; round < 2_000; round++) {
            var keys = new ArrayList<>(LongStream.range(0, 60).boxed().toList());
            Collections.shuffle(keys, random);
            var set =
                    keys.subList(0, random.nextInt(12)).stream()
                            .map(key -> new Item(key, random.nextInt(1_000)))
                            .toList();

            int[] arranged = bounded.arrange(random.nextInt(3), set);

            assertThat(Arrays.stream(arranged).sorted())
                    .containsExactlyElementsOf(IntStream.range(0, set.size()).boxed().toList());
            assertThat(bounded.size()).isLessThanOrEqualTo(200);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void aSetNeverSharesLessThanTheBestEarlierOrderWould(long seed) {
        var random = new Random(seed);
        var made = new ArrayList<List<Long>>();
        for (int round = 0; round < 300; round++) {
            var keys = new ArrayList<>(LongStream.range(0, 12).boxed().toList());
            Collections.shuffle(keys, random);
            var set = keys.subList(0, 1 + random.nextInt(6));
            int best = made.stream().mapToInt(earlier -> within(earlier, set)).max().orElse(0);

            var arranged = arranged(HEAD, set.stream().mapToLong(Long::longValue).toArray());

            int shared =
                    made.stream().mapToInt(earlier -> common(earlier, arranged)).max().orElse(0);
            assertThat(shared).isGreaterThanOrEqualTo(best);
            made.add(arranged);
        }
    }

    /** How many leading documents of an earlier prompt the set has. */
    private static int within(List<Long> earlier, List<Long> set) {
        var members = new HashSet<>(set);
        return (int) earlier.stream().takeWhile(members::contains).count();
    }

    private static int common(List<Long> one, List<Long> other) {
        int shared = 0;
        while (shared < Math.min(one.size(), other.size())
                && one.get(shared).equals(other.get(shared))) {
            shared++;
        }
        return shared;
    }
}
