package dev.stator.routing.index;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * Sets of tenures, each stored once and counted by the blocks that refer to it. One thread at a
 * time changes it; readers copy sets while it changes.
 *
 * <p>A set is a list of words in ascending order of their groups:
 *
 * <pre>
 * group (16) | expected (24) | confirmed (24)      tenures 24 * group .. 24 * group + 23
 * </pre>
 *
 * It is known by a number. {@link #NONE} is the empty set. Numbers below {@link #FIRST_RECORD} are
 * sets of one tenure and stored nowhere. The others are places in a pool, counted in units of two
 * words, where a record is a header and the words:
 *
 * <pre>
 * stamp (16) | words (16) | references (32)
 * </pre>
 *
 * The stamp is odd while a record is free or being written, so a reader that sees the same even
 * stamp before and after has copied one set.
 *
 * <p>If the pool is full and a set is not there yet, some of its members are left out: a new
 * holder, or, where there was only one, that one; an expected holder; and when a holder goes, all
 * but one of the others. How many holders were left out is told by {@link #lost}.
 */
final class HolderSets {
    static final int NONE = 0;
    static final int MAX_TENURES = (1 << 15) - 1;

    /** Tenures per word. */
    static final int GROUP = 24;

    static final long CONFIRMED_MASK = (1L << GROUP) - 1;
    private static final long MEMBERS_MASK = (1L << 2 * GROUP) - 1;
    private static final int GROUP_SHIFT = 2 * GROUP;

    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle CHUNKS = MethodHandles.arrayElementVarHandle(long[][].class);

    static final int FIRST_RECORD = 1 << 16;
    private static final int NO_ROOM = -1;
    private static final int UNIT = 2;
    private static final int CHUNK_UNITS = 1 << 15;

    /** A unit, and its part of the tables that find records by content at their emptiest. */
    private static final int UNIT_BYTES = UNIT * Long.BYTES + 11;

    private static final int SETS_PER_SHARD = 4096;
    private static final int MAX_SHARDS = 256;
    private static final int FIRST_SLOTS = 16;
    private static final int MAX_WORDS = Math.ceilDiv(MAX_TENURES, GROUP);
    private static final long STAMP_ONE = 1L << 48;
    private static final long REFERENCES_MASK = 0xFFFF_FFFFL;

    private final long[][] chunks;
    private final int maxUnits;
    private int units;
    private final int[] free;

    private final int[][] shards;
    private final int[] shardSizes;
    private int size;
    private long bytes;

    private final long[] work = new long[MAX_WORDS + 1];
    private int workSize;
    private int lost;

    private int[] unreferenced = new int[64];
    private int unreferencedSize;

    HolderSets(long maxBytes) {
        maxUnits = (int) Math.min(maxBytes / UNIT_BYTES, Integer.MAX_VALUE - FIRST_RECORD);
        chunks = new long[Math.ceilDiv(maxUnits, CHUNK_UNITS)][];
        free = new int[sizeClass(MAX_WORDS) + 1];
        int wanted = Math.clamp(maxUnits / SETS_PER_SHARD, 1, MAX_SHARDS);
        shards = new int[Integer.highestOneBit(wanted)][FIRST_SLOTS];
        shardSizes = new int[shards.length];
        bytes = (long) shards.length * FIRST_SLOTS * Integer.BYTES;
    }

    /** The set of one tenure that holds a block. */
    static int only(int tenure) {
        return 1 + 2 * tenure;
    }

    /** The words of a set of one tenure: a word. */
    private static long single(int set) {
        int tenure = (set - 1) >> 1;
        int expected = (set - 1) & 1;
        return (long) (tenure / GROUP) << GROUP_SHIFT | 1L << tenure % GROUP + expected * GROUP;
    }

    /** The set that an edit of one tenure makes of this one. */
    int edit(int set, int tenure, Edit edit) {
        load(set);
        long confirmed = 1L << tenure % GROUP;
        long group = tenure / GROUP;
        int at = 0;
        while (at < workSize && work[at] >>> GROUP_SHIFT < group) {
            at++;
        }
        boolean present = at < workSize && work[at] >>> GROUP_SHIFT == group;
        long word = present ? work[at] : group << GROUP_SHIFT;
        long edited = edit.apply(word, confirmed, confirmed << GROUP);
        if (edited == word) {
            lost = 0;
            return set;
        }
        if ((edited & MEMBERS_MASK) == 0) {
            System.arraycopy(work, at + 1, work, at, workSize - at - 1);
            workSize--;
        } else {
            if (!present) {
                System.arraycopy(work, at, work, at + 1, workSize - at);
                workSize++;
            }
            work[at] = edited;
        }
        int result = intern();
        if (result != NO_ROOM) {
            return result;
        }
        return switch (edit) {
            case STORE -> {
                lost = 1;
                yield set < FIRST_RECORD ? only(tenure) : set;
            }
            case EXPECT -> set;
            case REMOVE, EXPIRE -> oneMember();
        };
    }

    /**
     * The set without some tenures.
     *
     * @param gone per group, the confirmed bits of these tenures
     */
    int without(int set, long[] gone) {
        load(set);
        int kept = 0;
        for (int i = 0; i < workSize; i++) {
            int group = (int) (work[i] >>> GROUP_SHIFT);
            long mask = group < gone.length ? gone[group] : 0;
            long word = work[i] & ~(mask | mask << GROUP);
            if ((word & MEMBERS_MASK) != 0) {
                work[kept++] = word;
            }
        }
        workSize = kept;
        return internOrCut();
    }

    /** The set of these tenures, which all hold the block; in ascending order. */
    int of(int[] tenures) {
        workSize = 0;
        for (int tenure : tenures) {
            long group = tenure / GROUP;
            long bit = 1L << tenure % GROUP;
            if (workSize > 0 && work[workSize - 1] >>> GROUP_SHIFT == group) {
                work[workSize - 1] |= bit;
            } else {
                work[workSize++] = group << GROUP_SHIFT | bit;
            }
        }
        return internOrCut();
    }

    /** How many members the last {@code edit}, {@code without} or {@code of} could not keep. */
    int lost() {
        return lost;
    }

    /** How many members a set has. */
    int members(int set) {
        if (set < FIRST_RECORD) {
            return set == NONE ? 0 : 1;
        }
        long[] chunk = chunk(set);
        int header = header(set);
        int members = 0;
        for (int i = 1; i <= words(chunk[header]); i++) {
            members += Long.bitCount(chunk[header + i] & MEMBERS_MASK);
        }
        return members;
    }

    /** Who holds the block for certain, in ascending order. */
    int[] confirmed(int set) {
        load(set);
        int[] tenures = new int[members(set)];
        int count = 0;
        for (int i = 0; i < workSize; i++) {
            int first = (int) (work[i] >>> GROUP_SHIFT) * GROUP;
            for (long rest = work[i] & CONFIRMED_MASK; rest != 0; rest &= rest - 1) {
                tenures[count++] = first + Long.numberOfTrailingZeros(rest);
            }
        }
        return Arrays.copyOf(tenures, count);
    }

    /**
     * So many blocks more, or fewer, refer to a set. One that none refers to stays until {@link
     * #collect}.
     */
    void reference(int set, int change) {
        if (set < FIRST_RECORD) {
            return;
        }
        long[] chunk = chunk(set);
        int header = header(set);
        long value = chunk[header];
        int references = (int) value + change;
        LONGS.setOpaque(chunk, header, value & ~REFERENCES_MASK | references & REFERENCES_MASK);
        if (references == 0) {
            if (unreferencedSize == unreferenced.length) {
                unreferenced = Arrays.copyOf(unreferenced, 2 * unreferencedSize);
            }
            unreferenced[unreferencedSize++] = set;
        }
    }

    /** Frees the sets that no block refers to. */
    void collect() {
        for (int i = 0; i < unreferencedSize; i++) {
            int set = unreferenced[i];
            long value = chunk(set)[header(set)];
            if ((int) value == 0 && isWritten(value)) {
                free(set);
            }
        }
        unreferencedSize = 0;
    }

    /**
     * For readers: says which content a set's number stands for, to be compared with the same call
     * made later. Odd: none at the moment.
     */
    int stamp(int set) {
        if (set < FIRST_RECORD) {
            return 1;
        }
        return (int) ((long) LONGS.getAcquire(chunk(set), header(set)) >>> 32);
    }

    static boolean isWritten(int stamp) {
        return (stamp & 1 << 16) == 0;
    }

    private static boolean isWritten(long header) {
        return (header & STAMP_ONE) == 0;
    }

    /** How many words the content has. */
    static int words(int stamp) {
        return stamp & 0xFFFF;
    }

    /**
     * For readers: copies a set's words. What was expected counts as confirmed in the copy: {@code
     * group | confirmed}, with the group from bit 24 on.
     *
     * @param words so many, from its {@link #stamp}
     */
    void copy(int set, int words, long[] target, int at) {
        if (set < FIRST_RECORD) {
            target[at] = held(single(set));
            return;
        }
        long[] chunk = chunk(set);
        int header = header(set);
        for (int i = 0; i < words; i++) {
            target[at + i] = held(chunk[header + 1 + i]);
        }
        VarHandle.loadLoadFence();
    }

    private static long held(long word) {
        long bits = (word | word >>> GROUP) & CONFIRMED_MASK;
        return word >>> GROUP_SHIFT << GROUP | bits;
    }

    /** Different sets of several members. */
    int size() {
        return size;
    }

    long bytes() {
        return bytes;
    }

    private void load(int set) {
        if (set < FIRST_RECORD) {
            workSize = set == NONE ? 0 : 1;
            work[0] = set == NONE ? 0 : single(set);
            return;
        }
        long[] chunk = chunk(set);
        int header = header(set);
        workSize = words(chunk[header]);
        System.arraycopy(chunk, header + 1, work, 0, workSize);
    }

    private int internOrCut() {
        int set = intern();
        return set == NO_ROOM ? oneMember() : set;
    }

    /** Of the set in {@code work} only the first member. */
    private int oneMember() {
        lost = -1;
        for (int i = 0; i < workSize; i++) {
            lost += Long.bitCount(work[i] & MEMBERS_MASK);
        }
        return first();
    }

    /** The number of the set in {@code work}, or {@link #NO_ROOM}. */
    private int intern() {
        lost = 0;
        if (workSize == 0) {
            return NONE;
        }
        if (workSize == 1 && Long.bitCount(work[0] & MEMBERS_MASK) == 1) {
            return first();
        }
        int hash = hash(work, 0, workSize);
        int[] slots = shards[shard(hash)];
        int at = slot(hash, slots);
        while (slots[at] != NONE) {
            if (isInWork(slots[at])) {
                return slots[at];
            }
            at = (at + 1) & (slots.length - 1);
        }
        int set = allocate(workSize);
        if (set == NONE) {
            return NO_ROOM;
        }
        write(set);
        slots[at] = set;
        size++;
        shardSizes[shard(hash)]++;
        if (shardSizes[shard(hash)] > slots.length / 4 * 3) {
            growShard(shard(hash));
        }
        return set;
    }

    private int first() {
        int bit = Long.numberOfTrailingZeros(work[0]);
        int tenure = (int) (work[0] >>> GROUP_SHIFT) * GROUP + bit % GROUP;
        return only(tenure) + bit / GROUP;
    }

    private boolean isInWork(int set) {
        long[] chunk = chunk(set);
        int header = header(set);
        return words(chunk[header]) == workSize
                && Arrays.equals(chunk, header + 1, header + 1 + workSize, work, 0, workSize);
    }

    private void write(int set) {
        long[] chunk = chunk(set);
        int header = header(set);
        System.arraycopy(work, 0, chunk, header + 1, workSize);
        long stamp = (chunk[header] & -STAMP_ONE) + STAMP_ONE;
        LONGS.setRelease(chunk, header, stamp | (long) workSize << 32);
    }

    /** A record whose stamp is odd; {@link #NONE} if the pool is full. */
    private int allocate(int words) {
        int wanted = sizeClass(words);
        int set = free[wanted];
        if (set != NONE) {
            free[wanted] = (int) chunk(set)[header(set) + 1];
            return set;
        }
        int left = CHUNK_UNITS - units % CHUNK_UNITS;
        if (wanted > left) {
            // A record lies in one chunk.
            units += left;
        }
        if (units + wanted > maxUnits) {
            return NONE;
        }
        int chunk = units / CHUNK_UNITS;
        if (chunks[chunk] == null) {
            int length = Math.min(CHUNK_UNITS, maxUnits - chunk * CHUNK_UNITS) * UNIT;
            CHUNKS.setRelease(chunks, chunk, new long[length]);
            bytes += (long) length * Long.BYTES;
        }
        set = FIRST_RECORD + units;
        units += wanted;
        chunks[chunk][header(set)] = STAMP_ONE;
        return set;
    }

    private void free(int set) {
        long[] chunk = chunk(set);
        int header = header(set);
        int words = words(chunk[header]);
        unlink(set, hash(chunk, header + 1, words));
        LONGS.setRelease(chunk, header, (chunk[header] & -STAMP_ONE) + STAMP_ONE);
        VarHandle.storeStoreFence();
        chunk[header + 1] = free[sizeClass(words)];
        free[sizeClass(words)] = set;
        size--;
    }

    /** Moves back what was pushed on by the one that goes, so that a search may end at a gap. */
    private void unlink(int set, int hash) {
        int[] slots = shards[shard(hash)];
        int mask = slots.length - 1;
        int gap = slot(hash, slots);
        while (slots[gap] != set) {
            gap = (gap + 1) & mask;
        }
        for (int at = (gap + 1) & mask; slots[at] != NONE; at = (at + 1) & mask) {
            int home = slot(hash(slots[at]), slots);
            if (((at - home) & mask) >= ((at - gap) & mask)) {
                slots[gap] = slots[at];
                gap = at;
            }
        }
        slots[gap] = NONE;
        shardSizes[shard(hash)]--;
    }

    private void growShard(int shard) {
        int[] old = shards[shard];
        int[] larger = new int[2 * old.length];
        for (int set : old) {
            if (set != NONE) {
                int at = slot(hash(set), larger);
                while (larger[at] != NONE) {
                    at = (at + 1) & (larger.length - 1);
                }
                larger[at] = set;
            }
        }
        shards[shard] = larger;
        bytes += (long) (larger.length - old.length) * Integer.BYTES;
    }

    private int hash(int set) {
        long[] chunk = chunk(set);
        int header = header(set);
        return hash(chunk, header + 1, words(chunk[header]));
    }

    private static int hash(long[] words, int from, int count) {
        long hash = count;
        for (int i = from; i < from + count; i++) {
            hash = (hash ^ words[i]) * 0x9E37_79B9_7F4A_7C15L;
            hash ^= hash >>> 29;
        }
        return (int) (hash * 0xBF58_476D_1CE4_E5B9L >>> 32);
    }

    private int shard(int hash) {
        return hash & (shards.length - 1);
    }

    /** From other bits of the hash than the shard. */
    private static int slot(int hash, int[] slots) {
        return (hash >>> 8) & (slots.length - 1);
    }

    /** Units of a record; for larger ones in steps of a quarter of a power of two, to be reused. */
    private static int sizeClass(int words) {
        int exact = Math.ceilDiv(1 + words, UNIT);
        int step = Math.max(1, Integer.highestOneBit(exact) / 4);
        return Math.ceilDiv(exact, step) * step;
    }

    private static int words(long header) {
        return (int) (header >>> 32) & 0xFFFF;
    }

    private long[] chunk(int set) {
        return (long[]) CHUNKS.getAcquire(chunks, (set - FIRST_RECORD) / CHUNK_UNITS);
    }

    private static int header(int set) {
        return (set - FIRST_RECORD) % CHUNK_UNITS * UNIT;
    }
}
