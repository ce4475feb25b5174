package dev.stator.routing.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class HolderSetsTest {
    private final SplittableRandom random = new SplittableRandom(1);

    /** Members, and whether each holds the block for certain, as an edit should leave them. */
    private static Map<Integer, Boolean> edited(
            Map<Integer, Boolean> members, int tenure, Edit edit) {
        Map<Integer, Boolean> result = new TreeMap<>(members);
        switch (edit) {
            case STORE -> result.put(tenure, true);
            case REMOVE -> result.remove(tenure);
            case EXPECT -> result.putIfAbsent(tenure, false);
            case EXPIRE -> result.remove(tenure, false);
        }
        return result;
    }

    @Test
    void equalSetsHaveOneNumberAndDifferentSetsDifferentOnes() {
        HolderSets sets = new HolderSets(1 << 22);
        Map<Map<Integer, Boolean>, Integer> numbers = new HashMap<>();
        Map<Integer, Boolean> members = Map.of();
        int set = HolderSets.NONE;
        for (int step = 0; step < 100_000; step++) {
            int tenure = random.nextInt(3) * 1_000 + random.nextInt(2);
            Edit edit = Edit.values()[random.nextInt(4)];
            set = sets.edit(set, tenure, edit);
            members = edited(members, tenure, edit);
            assertThat(numbers.computeIfAbsent(members, known(set))).isEqualTo(set);
            assertThat(sets.members(set)).isEqualTo(members.size());
        }
        assertThat(numbers.values()).doesNotHaveDuplicates();
        assertThat(numbers).containsEntry(Map.of(), HolderSets.NONE).hasSizeGreaterThan(700);
    }

    private static Function<Map<Integer, Boolean>, Integer> known(int set) {
        return _ -> set;
    }

    @Test
    void setsThatNobodyRefersToMakeRoomForOthers() {
        HolderSets sets = new HolderSets(100 << 10);
        List<Integer> live = new ArrayList<>();
        for (int step = 0; step < 100_000; step++) {
            int set = HolderSets.NONE;
            for (int i = 0; i < 4; i++) {
                set = sets.edit(set, random.nextInt(HolderSets.MAX_TENURES), Edit.STORE);
                assertThat(sets.lost()).isZero();
                sets.reference(set, 0);
            }
            sets.reference(set, 1);
            live.add(set);
            if (live.size() > 500) {
                sets.reference(live.remove(random.nextInt(500)), -1);
            }
            sets.collect();
            assertThat(sets.size()).isEqualTo(live.size());
        }
        assertThat(sets.bytes()).isLessThanOrEqualTo(100 << 10);
    }

    @Test
    void withoutRoomForAnotherSetMembersAreLeftOutAndCounted() {
        HolderSets sets = new HolderSets(1 << 10);
        int last = HolderSets.NONE;
        for (int tenure = 0; sets.lost() == 0; tenure++) {
            last = sets.edit(last, tenure, Edit.STORE);
        }
        int members = sets.members(last);

        assertThat(sets.edit(last, 1_000, Edit.STORE)).isEqualTo(last);
        assertThat(sets.lost()).isEqualTo(1);
        assertThat(sets.edit(HolderSets.only(1_000), 2_000, Edit.STORE))
                .isEqualTo(HolderSets.only(2_000));
        assertThat(sets.lost()).isEqualTo(1);
        assertThat(sets.edit(HolderSets.only(1_000), 2_000, Edit.EXPECT))
                .isEqualTo(HolderSets.only(1_000));
        assertThat(sets.lost()).isZero();
        assertThat(sets.edit(last, 0, Edit.REMOVE)).isEqualTo(HolderSets.only(1));
        assertThat(sets.lost()).isEqualTo(members - 2);
        assertThat(sets.edit(last, members - 1, Edit.REMOVE))
                .isGreaterThan(HolderSets.FIRST_RECORD);
        assertThat(sets.lost()).isZero();
    }

    @Test
    void endedTenuresAreTakenOut() {
        HolderSets sets = new HolderSets(1 << 20);
        int set = sets.of(new int[] {3, 5, 30, 31, 900});
        set = sets.edit(set, 4, Edit.EXPECT);
        long[] ended = {
            1L << 3 | 1L << 4, 1L << 30 % HolderSets.GROUP | 1L << 31 % HolderSets.GROUP
        };

        assertThat(sets.without(set, ended)).isEqualTo(sets.of(new int[] {5, 900}));
        assertThat(sets.confirmed(set)).containsExactly(3, 5, 30, 31, 900);
    }

    @Test
    void copiesCountTheExpectedAsHeldAndTellByTheirStampWhenTheyAreOutdated() {
        HolderSets sets = new HolderSets(1 << 20);
        int set = sets.edit(HolderSets.only(3), 4, Edit.EXPECT);
        int stamp = sets.stamp(set);
        long[] copy = new long[HolderSets.words(stamp)];
        sets.copy(set, copy.length, copy, 0);
        assertThat(copy).containsExactly(1L << 3 | 1L << 4);
        assertThat(HolderSets.isWritten(stamp)).isTrue();

        sets.reference(set, 1);
        assertThat(sets.stamp(set)).isEqualTo(stamp);
        sets.reference(set, -1);
        sets.collect();
        assertThat(HolderSets.isWritten(sets.stamp(set))).isFalse();
        assertThat(sets.of(new int[] {7, 8})).isEqualTo(set);
        assertThat(sets.stamp(set)).isNotEqualTo(stamp);
    }
}
