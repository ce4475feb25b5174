package dev.stator.sim.world;

/** Where a prompt token's KV came from. */
public enum Origin {
    /** It was in the worker's own memory. */
    DEVICE,
    /** Memory of the worker's node. */
    HOST,
    /** Files of the worker's node. */
    DISK,
    /** A store that all nodes reach. */
    REMOTE,
    /** Another worker or node. */
    PEER,
    /** Nowhere: it was computed. */
    COMPUTED
}
