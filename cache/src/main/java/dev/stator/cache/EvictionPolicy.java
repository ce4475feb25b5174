package dev.stator.cache;

/**
 * Values a block of the disk tier, which sums it over a segment. Must be a pure function: the tier
 * calls it once per use of a block, under its lock.
 */
@FunctionalInterface
public interface EvictionPolicy {
    double priority(Use use);

    /**
     * One use of a block: a read, or the write that stored it.
     *
     * @param age the highest priority evicted so far; adding it lets old popularity fade
     * @param clock uses of any block so far
     * @param frequency uses of this block, also those before it was last evicted
     * @param recomputeMicros microseconds to compute the block again
     * @param slotBytes bytes that it occupies, which a short block does not lower
     */
    record Use(double age, long clock, int frequency, long recomputeMicros, int slotBytes) {}

    /** Frequency times recompute time per byte, with ageing (the GDSF family). */
    static EvictionPolicy costAware() {
        return use ->
                use.age() + (double) use.frequency() * use.recomputeMicros() / use.slotBytes();
    }
}
