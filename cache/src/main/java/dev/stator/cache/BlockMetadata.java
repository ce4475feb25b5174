package dev.stator.cache;

import java.util.Arrays;

/**
 * What a tier knows of each block, present or being written, by the number of its slot: 44 bytes.
 * Guarded by the tier's lock.
 *
 * <p>The fields lie in arrays, a page of slots each. Pages are made when their first slot is used,
 * so memory grows with the tier and nothing is copied. Token ids and the number of tokens lie with
 * the rows ({@link SlotFile}).
 */
final class BlockMetadata implements KeyTable.Keys {
    /** Not in the {@link EvictionOrder}. */
    static final int NOT_QUEUED = -1;

    static final int FREQUENCY_MAX = Character.MAX_VALUE;

    private static final int PAGE_BITS = 10;
    private static final int PAGE = 1 << PAGE_BITS;

    private long[][] highs = new long[0][];
    private long[][] lows = new long[0][];

    /** The tier's clock at the last use. */
    private long[][] lastUses = new long[0][];

    private int[][] recomputeMicros = new int[0][];

    /** A slot; of the first block of a sequence a number in {@link Roots}, inverted. */
    private int[][] parents = new int[0][];

    /** Blocks present or being written whose parent this is. */
    private int[][] children = new int[0][];

    /**
     * Leases; or the place in the eviction order, inverted. A block with a lease is never in it, so
     * that one number is enough.
     */
    private int[][] leasesOrPlaces = new int[0][];

    /** 0 while the block cannot be found: while it is written and after it was evicted. */
    private char[][] frequencies = new char[0][];

    /** Whose block it is: a number in {@link Accounts}. */
    private char[][] accounts = new char[0][];

    /**
     * A block that is going to be written.
     *
     * @param parent its slot, or an inverted number of a root
     * @param account whose it is, at most {@link Character#MAX_VALUE}
     */
    void begin(int slot, BlockKey key, int parent, long micros, int account) {
        while (slot >>> PAGE_BITS >= highs.length) {
            addPage();
        }
        int page = slot >>> PAGE_BITS;
        int at = slot & PAGE - 1;
        highs[page][at] = key.high();
        lows[page][at] = key.low();
        lastUses[page][at] = 0;
        recomputeMicros[page][at] = (int) Math.min(Integer.MAX_VALUE, micros);
        parents[page][at] = parent;
        children[page][at] = 0;
        leasesOrPlaces[page][at] = 0;
        frequencies[page][at] = 0;
        accounts[page][at] = (char) account;
    }

    private void addPage() {
        highs = withPage(highs, new long[PAGE]);
        lows = withPage(lows, new long[PAGE]);
        lastUses = withPage(lastUses, new long[PAGE]);
        recomputeMicros = withPage(recomputeMicros, new int[PAGE]);
        parents = withPage(parents, new int[PAGE]);
        children = withPage(children, new int[PAGE]);
        leasesOrPlaces = withPage(leasesOrPlaces, new int[PAGE]);
        frequencies = withPage(frequencies, new char[PAGE]);
        accounts = withPage(accounts, new char[PAGE]);
    }

    private static <T> T[] withPage(T[] pages, T page) {
        T[] more = Arrays.copyOf(pages, pages.length + 1);
        more[pages.length] = page;
        return more;
    }

    BlockKey key(int slot) {
        return new BlockKey(high(slot), low(slot));
    }

    @Override
    public long high(int slot) {
        return highs[slot >>> PAGE_BITS][slot & PAGE - 1];
    }

    @Override
    public long low(int slot) {
        return lows[slot >>> PAGE_BITS][slot & PAGE - 1];
    }

    /** At most 2^31 - 1: 36 minutes. */
    int recomputeMicros(int slot) {
        return recomputeMicros[slot >>> PAGE_BITS][slot & PAGE - 1];
    }

    int account(int slot) {
        return accounts[slot >>> PAGE_BITS][slot & PAGE - 1];
    }

    /** The slot of the block before, which is here while this block is; negative if none is. */
    int parent(int slot) {
        return parents[slot >>> PAGE_BITS][slot & PAGE - 1];
    }

    int children(int slot) {
        return children[slot >>> PAGE_BITS][slot & PAGE - 1];
    }

    void addChildren(int slot, int more) {
        children[slot >>> PAGE_BITS][slot & PAGE - 1] += more;
    }

    int leases(int slot) {
        return Math.max(0, leasesOrPlaces[slot >>> PAGE_BITS][slot & PAGE - 1]);
    }

    /** The block must not be in the eviction order. */
    void addLeases(int slot, int more) {
        leasesOrPlaces[slot >>> PAGE_BITS][slot & PAGE - 1] += more;
    }

    /** Where in the eviction order the block is, or {@link #NOT_QUEUED}. */
    int place(int slot) {
        int value = leasesOrPlaces[slot >>> PAGE_BITS][slot & PAGE - 1];
        return value < 0 ? ~value : NOT_QUEUED;
    }

    /** The block must have no lease. */
    void setPlace(int slot, int place) {
        leasesOrPlaces[slot >>> PAGE_BITS][slot & PAGE - 1] = place == NOT_QUEUED ? 0 : ~place;
    }

    /** Whether the block can be found. */
    boolean present(int slot) {
        return frequency(slot) > 0;
    }

    int frequency(int slot) {
        return frequencies[slot >>> PAGE_BITS][slot & PAGE - 1];
    }

    long lastUse(int slot) {
        return lastUses[slot >>> PAGE_BITS][slot & PAGE - 1];
    }

    /**
     * @param frequency at most {@link #FREQUENCY_MAX}
     */
    void setUses(int slot, int frequency, long lastUse) {
        frequencies[slot >>> PAGE_BITS][slot & PAGE - 1] = (char) frequency;
        lastUses[slot >>> PAGE_BITS][slot & PAGE - 1] = lastUse;
    }

    /** The block cannot be found any more. */
    void setAbsent(int slot) {
        frequencies[slot >>> PAGE_BITS][slot & PAGE - 1] = 0;
    }
}
