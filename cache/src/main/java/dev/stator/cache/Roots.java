package dev.stator.cache;

import java.util.Arrays;

/**
 * The keys that stand before the first blocks of sequences, each kept once while there is a block
 * that follows it. Guarded by the tier's lock.
 */
final class Roots implements KeyTable.Keys {
    private static final int LEAST = 16;

    private final KeyTable table;
    private long[] highs = new long[LEAST];
    private long[] lows = new long[LEAST];

    /** First blocks that follow; of a number that is free, the next that is. */
    private int[] blocks = new int[LEAST];

    private int free = KeyTable.NONE;
    private int used;

    /**
     * @param most roots at a time
     */
    Roots(int most) {
        table = new KeyTable(this, most);
    }

    int size() {
        return table.size();
    }

    @Override
    public long high(int root) {
        return highs[root];
    }

    @Override
    public long low(int root) {
        return lows[root];
    }

    BlockKey key(int root) {
        return new BlockKey(highs[root], lows[root]);
    }

    /** One more block follows this root; returns the root's number. */
    int hold(BlockKey key) {
        int root = table.find(key);
        if (root == KeyTable.NONE) {
            root = take();
            highs[root] = key.high();
            lows[root] = key.low();
            blocks[root] = 0;
            table.add(root);
        }
        blocks[root]++;
        return root;
    }

    /** One block less follows it. */
    void letGo(int root) {
        if (--blocks[root] == 0) {
            table.remove(root);
            blocks[root] = free;
            free = root;
        }
    }

    private int take() {
        if (free != KeyTable.NONE) {
            int root = free;
            free = blocks[root];
            return root;
        }
        if (used == highs.length) {
            int more = used + used / 2;
            highs = Arrays.copyOf(highs, more);
            lows = Arrays.copyOf(lows, more);
            blocks = Arrays.copyOf(blocks, more);
        }
        return used++;
    }
}
