package dev.stator.routing.index;

import java.util.Arrays;
import java.util.function.IntUnaryOperator;

/**
 * What an edit turns holder sets into, worked out once for all the blocks of a batch that have the
 * same. References move at the end of the batch, one sum for each transition; until then no set is
 * freed, so a number stands for the same set throughout.
 */
final class Transitions {
    private static final int BITS = 6;
    private static final int SIZE = 1 << BITS;
    private static final int UNUSED = -1;

    private final HolderSets sets;
    private final int[] from = new int[SIZE];
    private final int[] to = new int[SIZE];
    private final int[] lost = new int[SIZE];
    private final int[] blocks = new int[SIZE];
    private final int[] used = new int[SIZE];
    private int usedSize;
    private IntUnaryOperator edit = IntUnaryOperator.identity();

    private long memberships;
    private long forgotten;

    Transitions(HolderSets sets) {
        this.sets = sets;
        Arrays.fill(from, UNUSED);
    }

    void begin(IntUnaryOperator next) {
        edit = next;
    }

    /** The holders of one block after the edit. */
    int of(int set) {
        int at = set * 0x9E37_79B9 >>> -BITS;
        if (from[at] != set) {
            workOut(at, set);
        }
        blocks[at]++;
        return to[at];
    }

    private void workOut(int at, int set) {
        if (from[at] == UNUSED) {
            used[usedSize++] = at;
        } else {
            settle(at);
        }
        from[at] = set;
        to[at] = edit.applyAsInt(set);
        lost[at] = sets.lost();
        blocks[at] = 0;
    }

    /** The batch is over. */
    void end() {
        for (int i = 0; i < usedSize; i++) {
            settle(used[i]);
            from[used[i]] = UNUSED;
        }
        usedSize = 0;
        sets.collect();
    }

    private void settle(int at) {
        if (from[at] != to[at]) {
            add(from[at], 0, -blocks[at]);
            add(to[at], 0, blocks[at]);
        }
        forgotten += (long) lost[at] * blocks[at];
    }

    /**
     * So many more blocks have these holders.
     *
     * @param lostEach holders that each of them should have had too
     */
    void add(int set, int lostEach, int more) {
        memberships += (long) sets.members(set) * more;
        forgotten += (long) lostEach * more;
        sets.reference(set, more);
    }

    /** A block was forgotten with all its holders. */
    void forget(int set) {
        add(set, 0, -1);
        forgotten += sets.members(set);
    }

    /** Pairs of block and tenure in the table, expected ones included. */
    long memberships() {
        return memberships;
    }

    /** Pairs that were given up for want of room. */
    long forgotten() {
        return forgotten;
    }
}
