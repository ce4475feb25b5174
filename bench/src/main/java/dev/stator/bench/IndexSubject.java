package dev.stator.bench;

import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.IndexOptions;
import dev.stator.routing.index.Matches;
import dev.stator.routing.index.Place;
import java.util.Arrays;
import java.util.List;

/** An index that is fed as a router's is: every place numbers its batches. */
final class IndexSubject {
    /** As {@link IndexOptions} says. */
    private static final double BOUND_BYTES = 31.1;

    private static final long LEAST_BYTES = 64 << 10;

    private final BlockIndex index;
    private final Place[] places;
    private final long[] sequences;

    private IndexSubject(BlockIndex index, int workers) {
        this.index = index;
        places = new Place[workers];
        Arrays.setAll(places, IndexTrace::place);
        sequences = new long[workers];
    }

    /**
     * @param blocks for which it has room
     */
    static IndexSubject of(long blocks, int workers) {
        var options = new IndexOptions(LEAST_BYTES + (long) (blocks * BOUND_BYTES));
        return new IndexSubject(new BlockIndex(options), workers);
    }

    BlockIndex index() {
        return index;
    }

    void apply(IndexTrace.Batch batch) {
        var place = places[batch.worker()];
        long sequence = ++sequences[batch.worker()];
        if (!index.apply(new BlockEvents(place, sequence, batch.change(), batch.keys()))) {
            throw new BenchException("the index missed a batch of " + place);
        }
    }

    void apply(List<IndexTrace.Batch> batches) {
        batches.forEach(this::apply);
    }

    /** How many leading blocks each worker holds, all added up. */
    long match(long[] keys, Matches matches) {
        index.match(keys, keys.length, matches);
        long depths = 0;
        for (int i = 0; i < matches.places(); i++) {
            depths += matches.depth(i);
        }
        return depths;
    }
}
