package dev.stator.cache;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The blocks that may be evicted now, and which of them goes first, of all or of one account.
 * Blocks of an account that were used about as often and cost about as much, one kind, lie in one
 * heap, the one used longest ago on top; the tops are compared. For all accounts the heaps of a
 * kind are in order by their tops, so that accounts do not have to be looked through.
 */
final class EvictionOrder {
    /** Octaves of recompute time. */
    private static final int COSTS = 32;

    /** Classes by uses, times octaves. */
    static final int KINDS = ReuseModel.CLASSES * COSTS;

    /** Blocks over which the mean cost of an octave is taken. */
    private static final int COST_WINDOW = 1024;

    private final BlockMetadata blocks;
    private final Accounts accounts;
    private final Optional<ReuseModel> model;
    private final @Nullable Tops[] tops = new @Nullable Tops[KINDS];

    /** Those of them that there are, one after the other: most never have a block. */
    private final List<Tops> known = new ArrayList<>();

    private final double[] meanCost = new double[COSTS];
    private final int[] costSamples = new int[COSTS];
    private int size;

    /**
     * @param model how likely blocks come back; empty to evict the least recently used
     */
    EvictionOrder(BlockMetadata blocks, Accounts accounts, Optional<ReuseModel> model) {
        this.blocks = blocks;
        this.accounts = accounts;
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
            Evictables heap = heapOf(slot);
            heap.add(slot);
            size++;
            topsOf(heap).changed(heap);
        }
    }

    void remove(int slot) {
        if (contains(slot)) {
            Evictables heap = heapOf(slot);
            heap.remove(slot);
            size--;
            topsOf(heap).changed(heap);
        }
    }

    /** Takes out the block that goes first; {@link SlotPool#NONE} if there is none. */
    int poll(long clock) {
        Choice choice = new Choice(clock);
        for (int i = 0; i < known.size(); i++) {
            if (!known.get(i).isEmpty()) {
                choice.consider(known.get(i).first());
            }
        }
        return choice.take();
    }

    /** The same of one account's blocks. */
    int poll(Account account, long clock) {
        Choice choice = new Choice(clock);
        for (int i = 0; i < account.known.size(); i++) {
            if (account.known.get(i).size() > 0) {
                choice.consider(account.known.get(i));
            }
        }
        return choice.take();
    }

    /** The heap whose first block is worth least; of equals the one used longest ago. */
    private final class Choice {
        private final long clock;
        private @Nullable Evictables least;
        private double leastWorth = Double.POSITIVE_INFINITY;

        Choice(long clock) {
            this.clock = clock;
        }

        void consider(Evictables heap) {
            long use = heap.firstUse();
            double worth =
                    model.isEmpty()
                            ? 0
                            : model.get().value(heap.frequencyClass, use, clock)
                                    * meanCost[heap.cost];
            if (least == null
                    || worth < leastWorth
                    || (worth == leastWorth && use < least.firstUse())) {
                leastWorth = worth;
                least = heap;
            }
        }

        int take() {
            if (least == null) {
                return SlotPool.NONE;
            }
            int first = least.first();
            remove(first);
            return first;
        }
    }

    void checkIntegrity() {
        int sum = 0;
        for (Tops each : known) {
            sum += each.checkIntegrity();
        }
        if (sum != size) {
            throw new IllegalStateException("the heaps do not add up");
        }
    }

    private Evictables heapOf(int slot) {
        // One order for all where nothing but the last use counts.
        int its = model.isEmpty() ? 0 : ReuseModel.classOf(blocks.frequency(slot));
        int cost = model.isEmpty() ? 0 : costOf(slot);
        int kind = its * COSTS + cost;
        Account account = accounts.get(blocks.account(slot));
        Evictables heap = account.heaps[kind];
        if (heap == null) {
            heap = new Evictables(blocks, its, cost);
            account.heaps[kind] = heap;
            account.known.add(heap);
        }
        return heap;
    }

    private Tops topsOf(Evictables heap) {
        int kind = heap.frequencyClass * COSTS + heap.cost;
        Tops its = tops[kind];
        if (its == null) {
            its = new Tops();
            tops[kind] = its;
            known.add(its);
        }
        return its;
    }

    private int costOf(int slot) {
        return Integer.SIZE - Integer.numberOfLeadingZeros(blocks.recomputeMicros(slot));
    }
}
