package dev.stator.routing.index;

import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * One lookup after the other: how many leading blocks of a prompt each place holds.
 *
 * <p>Who holds a block nearly always holds those before it too, because a block cannot be computed
 * without them and caches evict from the end. So the holders only become fewer with depth, and
 * where they are the same at two depths they are the same between. The search reads the first
 * block, then blocks at a few depths spread evenly, and again between two depths where holders were
 * lost, until these are neighbours: a few dozen blocks of a thousand. The blocks of one round do
 * not depend on each other, so the processor fetches them together.
 *
 * <p>What this can get wrong: a place that lacks a block in the midst of a prefix that it otherwise
 * holds is given the depth of the hole or, if the search did not come by there, the whole prefix.
 * That costs a prediction; the worker finds the hole and computes it.
 */
final class PrefixSearch {
    private static final int FIRST_FAN = 8;
    private static final int FAN = 4;

    /** Reads of one block that a writer got in between of; then it counts as absent. */
    private static final int ATTEMPTS = 16;

    private static final int UNREAD = -1;

    /** Where in {@code words} the empty set is. */
    private static final int EMPTY = 0;

    private final BlockTable.Finding finding = new BlockTable.Finding();

    /** Copies of holder sets: number of words, then {@link HolderSets#copy}'s words. */
    private long[] words = new long[256];

    private int wordsSize;
    private int lastSet;
    private int lastStamp;
    private int lastCopy;

    /** Blocks in ascending order, and for each the copy of its holders. */
    private int[] blocks = new int[64];

    private int[] copies = new int[64];
    private int size;
    private int[] nextBlocks = new int[64];
    private int[] nextCopies = new int[64];
    private int nextSize;

    /**
     * Who holds all blocks that were read, up to some block; and what is left after another one.
     */
    private long[] running = new long[16];

    private long[] kept = new long[16];
    private int runningSize;
    private long near;

    /** Finds who holds the first of {@code count} blocks, at least one, and those after it. */
    void run(
            BlockTable table,
            HolderSets sets,
            Places places,
            long[] keys,
            int count,
            Matches into) {
        Roster roster = places.roster();
        words[EMPTY] = 0;
        wordsSize = 1;
        lastSet = HolderSets.NONE;
        lastCopy = EMPTY;
        nextSize = 0;
        append(0, UNREAD);
        if (count > 1) {
            spread(0, count - 1, FIRST_FAN);
            append(count - 1, UNREAD);
        }
        swap();
        fetch(table, keys);
        copies[0] = copy(table, sets, keys[0]);
        start(roster);
        if (runningSize == 0) {
            return;
        }
        read(table, sets, keys);
        while (refine(roster)) {
            swap();
            fetch(table, keys);
            read(table, sets, keys);
        }
        report(roster, places, count, into);
    }

    /** The holders of the first block that count are in the running. */
    private void start(Roster roster) {
        int copy = copies[0];
        int count = (int) words[copy];
        if (count > running.length) {
            running = new long[2 * count];
            kept = new long[2 * count];
        }
        for (int i = 0; i < count; i++) {
            long word = words[copy + 1 + i];
            long alive = roster.alive((int) (word >>> HolderSets.GROUP));
            kept[i] = word & (alive | ~HolderSets.CONFIRMED_MASK);
        }
        runningSize = count;
        takeKept();
    }

    /** Brings the buckets of the blocks that are new in the list near, all at once. */
    private void fetch(BlockTable table, long[] keys) {
        for (int i = 0; i < size; i++) {
            if (copies[i] == UNREAD) {
                near += table.near(keys[blocks[i]]);
            }
        }
    }

    /** Reads the blocks that are new in the list. */
    private void read(BlockTable table, HolderSets sets, long[] keys) {
        for (int i = 0; i < size; i++) {
            if (copies[i] == UNREAD) {
                copies[i] = copy(table, sets, keys[blocks[i]]);
            }
        }
    }

    /**
     * Puts more blocks into the list wherever holders were lost between two that are not
     * neighbours. Takes blocks out at which none were lost, nor right after them: all that the next
     * round asks is what lies between two blocks with different holders.
     *
     * @return false if there is no such place
     */
    private boolean refine(Roster roster) {
        start(roster);
        boolean refined = false;
        append(blocks[0], copies[0]);
        int needed = nextSize;
        for (int i = 1; i < size && runningSize > 0; i++) {
            if (loses(i)) {
                int before = nextSize;
                spread(blocks[i - 1], blocks[i], FAN);
                refined |= nextSize > before;
                takeKept();
                needed = nextSize + 1;
            } else if (nextSize > needed) {
                nextSize--;
            }
            append(blocks[i], copies[i]);
        }
        if (!refined) {
            nextSize = 0;
        }
        return refined;
    }

    /** Appends blocks between two, so that these become at most {@code fan} intervals. */
    private void spread(int from, int to, int fan) {
        int intervals = Math.min(fan, to - from);
        for (int i = 1; i < intervals; i++) {
            append(from + (int) ((long) (to - from) * i / intervals), UNREAD);
        }
    }

    private void append(int block, int copy) {
        if (nextSize == nextBlocks.length) {
            nextBlocks = Arrays.copyOf(nextBlocks, 2 * nextSize);
            nextCopies = Arrays.copyOf(nextCopies, 2 * nextSize);
        }
        nextBlocks[nextSize] = block;
        nextCopies[nextSize] = copy;
        nextSize++;
    }

    private void swap() {
        int[] freeBlocks = blocks;
        int[] freeCopies = copies;
        blocks = nextBlocks;
        copies = nextCopies;
        size = nextSize;
        nextBlocks = freeBlocks;
        nextCopies = freeCopies;
        nextSize = 0;
    }

    /**
     * Whether somebody in the running does not hold the i-th block of the list. If so, {@code kept}
     * has who does.
     */
    private boolean loses(int i) {
        int copy = copies[i];
        if (copy == copies[i - 1]) {
            return false;
        }
        int end = copy + 1 + (int) words[copy];
        int at = copy + 1;
        boolean loses = false;
        for (int r = 0; r < runningSize; r++) {
            long group = running[r] >>> HolderSets.GROUP;
            while (at < end && words[at] >>> HolderSets.GROUP < group) {
                at++;
            }
            boolean present = at < end && words[at] >>> HolderSets.GROUP == group;
            long holders = present ? words[at] : 0;
            kept[r] = running[r] & (holders | ~HolderSets.CONFIRMED_MASK);
            loses |= kept[r] != running[r];
        }
        return loses;
    }

    private void takeKept() {
        int left = 0;
        for (int r = 0; r < runningSize; r++) {
            if ((kept[r] & HolderSets.CONFIRMED_MASK) != 0) {
                running[left++] = kept[r];
            }
        }
        runningSize = left;
    }

    private void report(Roster roster, Places places, int count, Matches into) {
        VarHandle.loadLoadFence();
        Roster now = places.roster();
        start(roster);
        for (int i = 1; i < size && runningSize > 0; i++) {
            if (loses(i)) {
                for (int r = 0; r < runningSize; r++) {
                    report(running[r], running[r] & ~kept[r], blocks[i], roster, now, into);
                }
                takeKept();
            }
        }
        for (int r = 0; r < runningSize; r++) {
            report(running[r], running[r], count, roster, now, into);
        }
    }

    /** Tenures that ended meanwhile are left out, so that their numbers may be given to others. */
    private static void report(
            long word, long members, int depth, Roster roster, Roster now, Matches into) {
        int first = (int) (word >>> HolderSets.GROUP) * HolderSets.GROUP;
        for (long rest = members & HolderSets.CONFIRMED_MASK; rest != 0; rest &= rest - 1) {
            Tenure tenure = roster.tenure(first + Long.numberOfTrailingZeros(rest));
            if (roster == now || now.tenure(tenure.index()).equals(tenure)) {
                into.add(tenure.place(), depth);
            }
        }
    }

    /**
     * Copies the holders of a block as they were at one moment. A set's number may be given to
     * another set at any time; that the block still has the number afterwards, and the set then
     * still its stamp, shows that they belonged together.
     */
    private int copy(BlockTable table, HolderSets sets, long key) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            int set = table.look(key, finding);
            if (set == HolderSets.NONE) {
                return EMPTY;
            }
            int stamp = sets.stamp(set);
            int copy = lastCopy;
            if (set != lastSet || stamp != lastStamp) {
                copy = wordsSize;
                int count = HolderSets.words(stamp);
                ensure(count + 1);
                words[copy] = count;
                sets.copy(set, count, words, copy + 1);
            }
            if (table.confirms(finding)
                    && HolderSets.isWritten(stamp)
                    && sets.stamp(set) == stamp) {
                if (copy == wordsSize) {
                    wordsSize += 1 + (int) words[copy];
                }
                lastSet = set;
                lastStamp = stamp;
                lastCopy = copy;
                return copy;
            }
        }
        return EMPTY;
    }

    private void ensure(int more) {
        if (wordsSize + more > words.length) {
            words = Arrays.copyOf(words, 2 * (wordsSize + more));
        }
    }
}
