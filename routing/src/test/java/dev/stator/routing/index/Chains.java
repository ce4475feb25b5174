package dev.stator.routing.index;

import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/** What the tests ask an index and feed it with. */
final class Chains {
    private Chains() {}

    /** The blocks of a prompt that nobody else has. */
    static long[] chain(RandomGenerator random, int blocks) {
        return random.longs(blocks).toArray();
    }

    /** A prompt that shares its first blocks with another. */
    static long[] branch(long[] prefix, int shared, long[] rest) {
        long[] keys = new long[shared + rest.length];
        System.arraycopy(prefix, 0, keys, 0, shared);
        System.arraycopy(rest, 0, keys, shared, rest.length);
        return keys;
    }

    static Place device(int worker) {
        return new Place(Tier.DEVICE, "worker-" + worker);
    }

    /** How many leading blocks each place holds, as the index says. */
    static TreeMap<String, Integer> depths(BlockIndex index, long... keys) {
        Matches matches = new Matches();
        index.match(keys, keys.length, matches);
        TreeMap<String, Integer> depths = new TreeMap<>();
        for (int i = 0; i < matches.places(); i++) {
            depths.put(index.place(matches.place(i)).owner(), matches.depth(i));
        }
        return depths;
    }

    /** A place that numbers its batches. */
    static final class Source {
        private final Place place;
        private final Consumer<BlockEvents> to;
        private long sequence;

        Source(Place place, Consumer<BlockEvents> to) {
            this.place = place;
            this.to = to;
        }

        void stores(long... keys) {
            to.accept(new BlockEvents(place, ++sequence, BlockEvents.Change.STORED, keys));
        }

        void removes(long... keys) {
            to.accept(new BlockEvents(place, ++sequence, BlockEvents.Change.REMOVED, keys));
        }

        void clears() {
            to.accept(new BlockEvents(place, ++sequence, BlockEvents.Change.CLEARED, new long[0]));
        }

        long sequence() {
            return sequence;
        }
    }
}
