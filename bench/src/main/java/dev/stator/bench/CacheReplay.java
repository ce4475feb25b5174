package dev.stator.bench;

import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockLedger;
import dev.stator.cache.Eviction;
import dev.stator.sim.trace.Recorded;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Requests for chains of blocks, in order, as a tier below the device sees them: the beginning of a
 * chain that is present is read, the rest is computed and stored, and nothing that a request uses
 * is evicted while it runs.
 *
 * @param chains of one lookup each; {@code wanted} blocks of it are looked up, all are stored
 * @param blocks different ones
 */
record CacheReplay(List<Chain> chains, int blocks) {
    /**
     * @param ids of the blocks, counted from 0; equal ids follow equal ids
     * @param wanted blocks that count as hit or missed; those after them are an answer
     */
    record Chain(int[] ids, int wanted) {}

    /** A cache under test. */
    interface Subject {
        /** Reads a block and keeps it until the request ends; false if it is absent. */
        boolean read(int block);

        /** Stores a block after its parent, or -1, and keeps it; false if there is no room. */
        boolean store(int block, int parent);

        /** The request has ended. */
        void end();
    }

    static CacheReplay prefixes(Recorded trace) {
        var numbers = new HashMap<Long, Integer>();
        var chains = new ArrayList<Chain>();
        for (var request : trace.requests()) {
            long[] keys = request.keys();
            int[] ids = new int[keys.length];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = numbers.computeIfAbsent(keys[i], _ -> numbers.size());
            }
            chains.add(
                    new Chain(
                            ids,
                            Math.min(ids.length, request.promptTokens() / trace.blockTokens())));
        }
        return new CacheReplay(chains, numbers.size());
    }

    /**
     * Things of different sizes, each a chain of its own.
     *
     * @param uses which thing is used, in order
     * @param blocksOf each thing
     */
    static CacheReplay things(List<Long> uses, Map<Long, Integer> blocksOf) {
        var known = new HashMap<Long, Chain>();
        var chains = new ArrayList<Chain>();
        int next = 0;
        for (long thing : uses) {
            var chain = known.get(thing);
            if (chain == null) {
                int[] ids = new int[blocksOf.getOrDefault(thing, 0)];
                for (int i = 0; i < ids.length; i++) {
                    ids[i] = next++;
                }
                chain = new Chain(ids, ids.length);
                known.put(thing, chain);
            }
            chains.add(chain);
        }
        return new CacheReplay(chains, next);
    }

    /** The part of wanted blocks that a cache has which never evicts. */
    double unbounded() {
        var seen = new HashSet<Integer>();
        long hits = 0;
        for (var chain : chains) {
            for (int i = 0; i < chain.ids.length; i++) {
                hits += !seen.add(chain.ids[i]) && i < chain.wanted ? 1 : 0;
            }
        }
        return hits / (double) wanted();
    }

    private long wanted() {
        return chains.stream().mapToLong(Chain::wanted).sum();
    }

    double hitRate(Subject subject) {
        long hits = 0;
        for (var chain : chains) {
            int at = 0;
            while (at < chain.wanted && subject.read(chain.ids[at])) {
                at++;
            }
            hits += at;
            boolean stored = true;
            for (; at < chain.ids.length && stored; at++) {
                int parent = at == 0 ? -1 : chain.ids[at - 1];
                // An answer's block may be here already: read it.
                stored = subject.read(chain.ids[at]) || subject.store(chain.ids[at], parent);
            }
            subject.end();
        }
        return hits / (double) wanted();
    }

    /** The tier's own table of blocks, without their bytes. */
    static final class Shipped implements Subject {
        /** Any: all blocks cost the same. */
        private static final long RECOMPUTE_MICROS = 1_000;

        private final BlockLedger ledger;
        private final List<BlockKey> leased = new ArrayList<>();

        Shipped(int slots, Eviction eviction) {
            ledger = new BlockLedger(slots, eviction, _ -> {});
        }

        @Override
        public boolean read(int block) {
            var key = key(block);
            boolean present = ledger.lease(key);
            if (present) {
                leased.add(key);
            }
            return present;
        }

        @Override
        public boolean store(int block, int parent) {
            var key = key(block);
            var above = parent < 0 ? Optional.<BlockKey>empty() : Optional.of(key(parent));
            return ledger.store(key, above, RECOMPUTE_MICROS);
        }

        @Override
        public void end() {
            leased.forEach(ledger::unlease);
            leased.clear();
        }

        private static BlockKey key(int block) {
            return new BlockKey(block, block);
        }
    }
}
