package dev.stator.cache;

/** Who goes first when a tier is full. */
public enum Eviction {
    /**
     * Whose slot has the least expected use: the recompute time that the block will save, per use
     * of the tier that it waits. How likely blocks come back, by how often they were used and how
     * long ago, is learned from those that did and those that did not ({@link ReuseModel}).
     */
    BY_REUSE,
    /** Least recently used first. */
    LEAST_RECENTLY_USED
}
