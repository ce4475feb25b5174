package dev.stator.routing.index;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Block key to holder set. One thread at a time changes it, through a cursor: {@link #seek}, then
 * {@link #put} or {@link #touch}. Any number read it meanwhile with {@link #look}.
 *
 * <p>All memory is taken at once, so the table never stops to grow. It is an array of buckets of
 * eight words, a cache line each:
 *
 * <pre>
 * word 0..4   keys
 * word 5      value 1 | value 0        (high half | low half)
 * word 6      value 3 | value 2
 * word 7      version (16) | passed (16) | value 4
 * </pre>
 *
 * A value is a holder set's number and the bit {@link #TOUCHED}; 0 is a free lane. A key that finds
 * its bucket full goes to the next one with a free lane and is counted in {@code passed} of each
 * bucket that it passed, so that a search ends where nobody passed. Keys never move.
 *
 * <p>At a load of 60 % the table forgets: a hand goes round and takes the first block that was
 * neither stored nor used since it came by last. A key that would pass too many buckets, because
 * keys are less random than they should be, takes the place of one in its own bucket.
 *
 * <p>A reader that finds its key reads the value and then the bucket's version again, which changes
 * whenever a lane gets another key.
 */
final class BlockTable {
    /** Set in a value when its block is stored or used, cleared by the hand. */
    private static final int TOUCHED = 1 << 31;

    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);

    private static final int LANES = 5;
    private static final int WORDS = 8;
    private static final int VALUES = 5;
    private static final int LAST = 7;

    /** Large arrays begin with a header of two words at a page: the buckets then begin at lines. */
    private static final int FIRST = 6;

    /**
     * Blocks per bucket at which the table is full: a load of 60 %. Of random keys one in twelve
     * then finds its bucket full, of 80 % one in five, and every bucket that is passed is a cache
     * miss.
     */
    private static final int FULL = 3;

    /** Buckets that a key may pass; at 60 % load random keys pass a dozen at worst. */
    private static final int MAX_PASSED = 256;

    private static final long PASSED_ONE = 1L << 32;
    private static final long PASSED_MASK = 0xFFFFL << 32;
    private static final long VERSION_ONE = 1L << 48;
    private static final long LOW_HALF = 0xFFFF_FFFFL;

    /** Odd, so that it loses nothing; spreads keys that are not random. */
    private static final long SPREAD = 0x9E37_79B9_7F4A_7C15L;

    static final long MAX_BYTES = (Integer.MAX_VALUE / WORDS - 1L) * WORDS * Long.BYTES;

    /** Where a reader found a block. */
    static final class Finding {
        private int bucket;
        private int lane;
        private int set;
        private int version;
    }

    /** Receives blocks. */
    interface Visitor {
        void block(long key, int set);
    }

    private final long[] words;
    private final int buckets;
    private final int end;
    private int blocks;
    private int hand = FIRST;

    private long key;
    private int home;
    private int bucket;
    private int lane;
    private int value;
    private long warmed;

    BlockTable(long bytes) {
        buckets = (int) (bytes / (WORDS * Long.BYTES)) - 1;
        end = FIRST + buckets * WORDS;
        words = new long[end];
    }

    /** Fetches the buckets of these keys, all at once, before they are visited one by one. */
    void warm(long[] keys, int from, int to) {
        long sum = 0;
        for (int i = from; i < to; i++) {
            sum += near(keys[i]);
        }
        warmed = sum;
    }

    /** Reads a word of a key's bucket. */
    long near(long of) {
        return words[home(of)];
    }

    /**
     * Moves the cursor to a block.
     *
     * @return its holders, {@link HolderSets#NONE} if it has none
     */
    int seek(long sought) {
        key = sought;
        home = home(sought);
        int at = home;
        for (int passed = 0; passed <= MAX_PASSED; passed++) {
            int found = lane(at, sought);
            if (found >= 0) {
                bucket = at;
                lane = found;
                value = value(at, found);
                return value & ~TOUCHED;
            }
            if ((words[at + LAST] & PASSED_MASK) == 0) {
                break;
            }
            at = after(at);
        }
        value = 0;
        return HolderSets.NONE;
    }

    /** Notes that the block under the cursor is used, if there is one. */
    void touch() {
        if (value > 0) {
            setValue(bucket, lane, value | TOUCHED);
        }
    }

    /**
     * Gives the block under the cursor other holders. Ends the cursor.
     *
     * @return the holders of a block that was forgotten to make room, or {@link HolderSets#NONE}
     */
    int put(int set) {
        if (value == 0) {
            return insert(set);
        }
        if (set == HolderSets.NONE) {
            remove(home, bucket, lane);
        } else {
            setValue(bucket, lane, set | TOUCHED);
        }
        return HolderSets.NONE;
    }

    private int insert(int set) {
        int forgotten = HolderSets.NONE;
        int at = home;
        int free = freeLane(at);
        for (int passed = 0; free < 0 && passed < MAX_PASSED; passed++) {
            at = after(at);
            free = freeLane(at);
        }
        if (free < 0) {
            forgotten = forgetIn(home);
            if (forgotten == HolderSets.NONE) {
                // All were touched, and now are not.
                forgotten = forgetIn(home);
            }
            at = home;
            free = freeLane(home);
        } else if (isFull()) {
            forgotten = forgetOne();
        }
        for (int passed = home; passed != at; passed = after(passed)) {
            setLast(passed, words[passed + LAST] + PASSED_ONE);
        }
        setLast(at, words[at + LAST] + VERSION_ONE);
        VarHandle.storeStoreFence();
        words[at + free] = key;
        setValue(at, free, set | TOUCHED);
        blocks++;
        return forgotten;
    }

    private void remove(int from, int in, int at) {
        setValue(in, at, 0);
        for (int passed = from; passed != in; passed = after(passed)) {
            setLast(passed, words[passed + LAST] - PASSED_ONE);
        }
        blocks--;
    }

    private int forgetOne() {
        int forgotten = HolderSets.NONE;
        while (forgotten == HolderSets.NONE) {
            int in = hand;
            hand = after(in);
            forgotten = forgetIn(in);
        }
        return forgotten;
    }

    /** Takes the first block of a bucket that is not touched; those before it no longer are. */
    private int forgetIn(int in) {
        for (int at = 0; at < LANES; at++) {
            int held = value(in, at);
            if (held > 0) {
                remove(home(words[in + at]), in, at);
                return held;
            }
            if (held != 0) {
                setValue(in, at, held & ~TOUCHED);
            }
        }
        return HolderSets.NONE;
    }

    /**
     * For readers: the holders of a block, {@link HolderSets#NONE} if it has none. Where it was
     * found goes into {@code finding}.
     */
    int look(long sought, Finding finding) {
        int at = home(sought);
        for (int passed = 0; passed <= MAX_PASSED; passed++) {
            long last = (long) LONGS.getAcquire(words, at + LAST);
            int found = lane(at, sought);
            if (found >= 0) {
                finding.bucket = at;
                finding.lane = found;
                finding.version = version(last);
                finding.set = value(at, found) & ~TOUCHED;
                return finding.set;
            }
            if ((last & PASSED_MASK) == 0) {
                return HolderSets.NONE;
            }
            at = after(at);
        }
        return HolderSets.NONE;
    }

    /** Whether what {@link #look} found is still so. */
    boolean confirms(Finding finding) {
        VarHandle.loadLoadFence();
        return (value(finding.bucket, finding.lane) & ~TOUCHED) == finding.set
                && version((long) LONGS.getAcquire(words, finding.bucket + LAST))
                        == finding.version;
    }

    int buckets() {
        return buckets;
    }

    /**
     * Visits the blocks in some of the buckets. The visitor may move the cursor and change the
     * block that it was told of.
     */
    void visit(int from, int to, Visitor visitor) {
        for (int in = FIRST + from * WORDS; in < FIRST + to * WORDS; in += WORDS) {
            for (int at = 0; at < LANES; at++) {
                int held = value(in, at) & ~TOUCHED;
                if (held != HolderSets.NONE) {
                    visitor.block(words[in + at], held);
                }
            }
        }
    }

    int blocks() {
        return blocks;
    }

    /** Whether another block makes the table forget one. */
    boolean isFull() {
        return blocks >= (long) buckets * FULL;
    }

    long bytes() {
        return (long) words.length * Long.BYTES;
    }

    private int home(long of) {
        return FIRST + (int) Math.unsignedMultiplyHigh(of * SPREAD, buckets) * WORDS;
    }

    private int after(int in) {
        int next = in + WORDS;
        return next == end ? FIRST : next;
    }

    /** Where a key is in a bucket, -1 if it is not. A free lane may still have its last key. */
    private int lane(int in, long sought) {
        // Without branches: which lane it is cannot be foretold.
        int equal =
                isZero(words[in] ^ sought)
                        | isZero(words[in + 1] ^ sought) << 1
                        | isZero(words[in + 2] ^ sought) << 2
                        | isZero(words[in + 3] ^ sought) << 3
                        | isZero(words[in + 4] ^ sought) << 4;
        for (; equal != 0; equal &= equal - 1) {
            int at = Integer.numberOfTrailingZeros(equal);
            if (value(in, at) != 0) {
                return at;
            }
        }
        return -1;
    }

    private static int isZero(long word) {
        return 1 - (int) ((word | -word) >>> 63);
    }

    /** A lane without a value, -1 if there is none. */
    private int freeLane(int in) {
        long low = words[in + VALUES];
        long middle = words[in + VALUES + 1];
        int free =
                isZero(low & LOW_HALF)
                        | isZero(low >>> 32) << 1
                        | isZero(middle & LOW_HALF) << 2
                        | isZero(middle >>> 32) << 3
                        | isZero(words[in + LAST] & LOW_HALF) << 4;
        return free == 0 ? -1 : Integer.numberOfTrailingZeros(free);
    }

    private int value(int in, int at) {
        long pair = (long) LONGS.getAcquire(words, in + VALUES + (at >> 1));
        return (int) (pair >>> ((at & 1) << 5));
    }

    private void setValue(int in, int at, int to) {
        int word = in + VALUES + (at >> 1);
        int shift = (at & 1) << 5;
        long pair = words[word] & ~(LOW_HALF << shift) | (to & LOW_HALF) << shift;
        LONGS.setRelease(words, word, pair);
    }

    private void setLast(int in, long last) {
        LONGS.setRelease(words, in + LAST, last);
    }

    private static int version(long last) {
        return (int) (last >>> 48);
    }
}
