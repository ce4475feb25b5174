package dev.stator.cache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Blocks by key: an open-addressing table with linear probing. The first half of each key lies in
 * an array, so that a search touches no object but the block that it finds.
 */
final class BlockMap {
    private static final int LEAST = 16;

    /** 2^64 over the golden ratio: spreads keys that differ in a few bits only. */
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    private long[] highs = new long[LEAST];
    private @Nullable Block[] blocks = new @Nullable Block[LEAST];
    private int size;

    int size() {
        return size;
    }

    Optional<Block> find(BlockKey key) {
        return Optional.ofNullable(blocks[place(key)]);
    }

    boolean contains(BlockKey key) {
        return blocks[place(key)] != null;
    }

    /** Adds a block whose key is not there yet. */
    void add(Block block) {
        if (size * 2 == blocks.length) {
            grow();
        }
        int place = place(block.key);
        highs[place] = block.key.high();
        blocks[place] = block;
        size++;
    }

    /** Removes a block that is there; those that had to make way for it move up. */
    void remove(Block block) {
        int hole = place(block.key);
        int mask = blocks.length - 1;
        for (int next = hole + 1 & mask; blocks[next] != null; next = next + 1 & mask) {
            int home = home(highs[next]);
            if ((next - home & mask) >= (next - hole & mask)) {
                highs[hole] = highs[next];
                blocks[hole] = blocks[next];
                hole = next;
            }
        }
        blocks[hole] = null;
        size--;
    }

    void clear() {
        Arrays.fill(blocks, null);
        size = 0;
    }

    void forEach(Consumer<Block> action) {
        for (@Nullable Block block : blocks) {
            if (block != null) {
                action.accept(block);
            }
        }
    }

    List<BlockKey> keys() {
        var keys = new ArrayList<BlockKey>(size);
        forEach(block -> keys.add(block.key));
        return keys;
    }

    /** Where the key is, or the free place where it belongs. */
    private int place(BlockKey key) {
        long high = key.high();
        int mask = blocks.length - 1;
        int place = home(high);
        for (@Nullable Block block = blocks[place]; block != null; block = blocks[place]) {
            if (highs[place] == high && block.key.low() == key.low()) {
                break;
            }
            place = place + 1 & mask;
        }
        return place;
    }

    private int home(long high) {
        return (int) (high * SPREAD >>> Long.numberOfLeadingZeros(blocks.length - 1L));
    }

    private void grow() {
        @Nullable Block[] old = blocks;
        highs = new long[old.length * 2];
        blocks = new @Nullable Block[old.length * 2];
        size = 0;
        for (@Nullable Block block : old) {
            if (block != null) {
                add(block);
            }
        }
    }
}
