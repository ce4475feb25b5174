package dev.stator.cache;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The blocks that may be evicted now, and which of them goes first. Blocks that were used about as
 * often and cost about as much lie in one heap, the one used longest ago on top; the tops are
 * compared.
 */
final class EvictionOrder {
    /** Octaves of recompute time. */
    private static final int COSTS = 32;

    /** Blocks over which the mean cost of an octave is taken. */
    private static final int COST_WINDOW = 1024;

    private final BlockMetadata blocks;
    private final Optional<ReuseModel> model;
    private final @Nullable Evictables[] heaps =
            new @Nullable Evictables[ReuseModel.CLASSES * COSTS];

    /** Those of the heaps that there are, one after the other: most never have a block. */
    private final List<Evictables> known = new ArrayList<>();

    private final double[] meanCost = new double[COSTS];
    private final int[] costSamples = new int[COSTS];
    private int size;

    /**
     * @param model how likely blocks come back; empty to evict the least recently used
     */
    EvictionOrder(BlockMetadata blocks, Optional<ReuseModel> model) {
        this.blocks = blocks;
        this.model = model;
    }

    int size() {
        return size;
    }

    boolean contains(int slot) {
        return blocks.place(slot) != BlockMetadata.NOT_QUEUED;
    }

    /** A block has come to the tier, whose cost becomes part of the means. */
    void meet(int slot) {
        int cost = costOf(slot);
        costSamples[cost] = Math.min(COST_WINDOW, costSamples[cost] + 1);
        meanCost[cost] += (blocks.recomputeMicros(slot) - meanCost[cost]) / costSamples[cost];
    }

    /** The block must have no lease, and not be used while it is in here. */
    void add(int slot) {
        if (!contains(slot)) {
            heapOf(slot).add(slot);
            size++;
        }
    }

    void remove(int slot) {
        if (contains(slot)) {
            heapOf(slot).remove(slot);
            size--;
        }
    }

    /** Takes out the block that goes first; {@link SlotPool#NONE} if there is none. */
    int poll(long clock) {
        Optional<Evictables> least = model.isEmpty() ? oldest() : leastValuable(model.get(), clock);
        int first = least.map(Evictables::first).orElse(SlotPool.NONE);
        if (first != SlotPool.NONE) {
            remove(first);
        }
        return first;
    }

    private Optional<Evictables> oldest() {
        return size == 0 ? Optional.empty() : Optional.of(known.getFirst());
    }

    private Optional<Evictables> leastValuable(ReuseModel its, long clock) {
        @Nullable Evictables least = null;
        double leastWorth = Double.POSITIVE_INFINITY;
        for (int i = 0; i < known.size(); i++) {
            Evictables heap = known.get(i);
            if (heap.size() == 0) {
                continue;
            }
            long use = heap.firstUse();
            double worth = its.value(heap.frequencyClass, use, clock) * meanCost[heap.cost];
            if (least == null
                    || worth < leastWorth
                    || (worth == leastWorth && use < least.firstUse())) {
                leastWorth = worth;
                least = heap;
            }
        }
        return Optional.ofNullable(least);
    }

    void checkIntegrity() {
        int sum = 0;
        for (Evictables heap : known) {
            heap.checkIntegrity();
            sum += heap.size();
        }
        if (sum != size) {
            throw new IllegalStateException("the heaps do not add up");
        }
    }

    private Evictables heapOf(int slot) {
        // One order for all where nothing but the last use counts.
        int its = model.isEmpty() ? 0 : ReuseModel.classOf(blocks.frequency(slot));
        int cost = model.isEmpty() ? 0 : costOf(slot);
        int place = its * COSTS + cost;
        Evictables heap = heaps[place];
        if (heap == null) {
            heap = new Evictables(blocks, its, cost);
            heaps[place] = heap;
            known.add(heap);
        }
        return heap;
    }

    private int costOf(int slot) {
        return Integer.SIZE - Integer.numberOfLeadingZeros(blocks.recomputeMicros(slot));
    }
}
