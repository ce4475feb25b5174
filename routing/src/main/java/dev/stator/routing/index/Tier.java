package dev.stator.routing.index;

/** Where KV can lie, nearest first. */
public enum Tier {
    /** The engine's own memory. Belongs to one worker. */
    DEVICE,
    /** Memory of a node, read by all its workers. */
    HOST,
    /** Files of a node, read by all its workers. */
    DISK,
    /** A store that all nodes reach. */
    REMOTE
}
