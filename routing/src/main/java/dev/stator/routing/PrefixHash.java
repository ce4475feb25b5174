package dev.stator.routing;

/**
 * {@link Policy#PREFIX_HASH}: rendezvous hashing of the first blocks, with bounded loads (V.
 * Mirrokni, M. Thorup, M. Zadimoghaddam, Consistent Hashing with Bounded Loads): a worker with more
 * than its part is passed over.
 */
final class PrefixHash implements Pick {
    /** Prompts that share so many blocks go together; shorter ones if they share all. */
    private static final int BLOCKS = 8;

    /** A worker takes requests while it has at most this many times the mean. */
    private static final double BOUND = 1.25;

    @Override
    public int pick(Situation situation, Positions able, Task task) {
        long[] keys = situation.request().keys();
        // A block's key covers all blocks before it.
        long prefix =
                keys.length == 0
                        ? situation.request().id()
                        : keys[Math.min(keys.length, BLOCKS) - 1];
        int requests = 1;
        for (int i = 0; i < able.size(); i++) {
            requests += situation.worker(able.get(i)).requests();
        }
        double bound = Math.ceil(BOUND * requests / able.size());
        int picked = able.get(0);
        long highest = Long.MIN_VALUE;
        for (int i = 0; i < able.size(); i++) {
            var worker = situation.worker(able.get(i));
            long rank = mix(prefix ^ mix(worker.spec.id().hashCode()));
            if (rank >= highest && worker.requests() + 1 <= bound) {
                highest = rank;
                picked = able.get(i);
            }
        }
        return picked;
    }

    /** The finaliser of SplitMix64: each bit of the result depends on all of the argument's. */
    private static long mix(long value) {
        long bits = value + 0x9E3779B97F4A7C15L;
        bits = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
        bits = (bits ^ (bits >>> 27)) * 0x94D049BB133111EBL;
        return bits ^ (bits >>> 31);
    }
}
