package dev.stator.routing;

import dev.stator.routing.index.Tier;

/** A way by which KV reaches a worker's device. */
enum Link {
    /** The host tier of the worker's node. */
    HOST(0.2, 0.003),
    /** Another worker's device. */
    PEER_DEVICE(0.5, 0.005),
    /** Another node's host tier. */
    PEER_HOST(1, 0.01),
    /** The disk tier of the worker's node. */
    DISK(1, 0.03),
    REMOTE(2, 0.05),
    /** Another node's disk tier. */
    PEER_DISK(2, 0.05);

    private static final Link[] OWN = {HOST, HOST, DISK, REMOTE};
    private static final Link[] PEER = {PEER_DEVICE, PEER_HOST, PEER_DISK, REMOTE};

    /** What is assumed until something was moved this way. */
    final double guessedSetupMillis;

    final double guessedMillisPerToken;

    Link(double guessedSetupMillis, double guessedMillisPerToken) {
        this.guessedSetupMillis = guessedSetupMillis;
        this.guessedMillisPerToken = guessedMillisPerToken;
    }

    /**
     * @param own whether the tier belongs to the worker or to its node
     */
    static Link to(Tier tier, boolean own) {
        return (own ? OWN : PEER)[tier.ordinal()];
    }
}
