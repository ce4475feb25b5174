package dev.stator.bench;

import dev.stator.routing.index.BlockEvents.Change;
import java.util.BitSet;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The reference of the benchmark {@code index}, written the obvious way: a concurrent map from
 * block to the set of its holders, sets replaced when they change so that readers need no lock, and
 * a lookup that walks down the prompt.
 */
final class NaiveIndex {
    private static final BitSet NOBODY = new BitSet();

    private final ConcurrentHashMap<Long, BitSet> holders = new ConcurrentHashMap<>();

    void apply(IndexTrace.Batch batch) {
        boolean stored = batch.change() == Change.STORED;
        for (long key : batch.keys()) {
            holders.compute(
                    key,
                    (_, before) -> {
                        var after = (BitSet) Optional.ofNullable(before).orElse(NOBODY).clone();
                        after.set(batch.worker(), stored);
                        return after.isEmpty() ? null : after;
                    });
        }
    }

    /** How many leading blocks each worker holds, all added up. */
    long match(long[] keys) {
        var running = (BitSet) holders.getOrDefault(keys[0], NOBODY).clone();
        long depths = 0;
        for (int i = 0; i < keys.length && !running.isEmpty(); i++) {
            running.and(holders.getOrDefault(keys[i], NOBODY));
            depths += running.cardinality();
        }
        return depths;
    }
}
