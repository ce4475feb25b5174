package dev.stator.routing.index;

/**
 * Gauges and counters of an index at one moment; counters count from its making.
 *
 * @param places known places
 * @param outOfStep places that missed a batch and need a {@link BlockIndex#resync}
 * @param blocks blocks with at least one holder
 * @param memberships pairs of block and place, expected ones and those not yet reclaimed included
 * @param holderSets different sets of several holders
 * @param expectations ranges of blocks that are expected
 * @param reclaiming emptied or dropped places of which the table is not yet swept
 * @param bytes memory taken
 * @param maxBytes its bound
 * @param forgottenBlocks blocks given up because the table was full
 * @param forgottenMemberships memberships given up with them, or because there was no room for
 *     another set of holders
 * @param forgottenExpectations ranges given up before their time because there was no room
 * @param gaps times that a place fell out of step
 * @param ignored batches ignored because their number, or a later one, had been seen
 */
public record IndexStats(
        int places,
        int outOfStep,
        long blocks,
        long memberships,
        long holderSets,
        int expectations,
        int reclaiming,
        long bytes,
        long maxBytes,
        long forgottenBlocks,
        long forgottenMemberships,
        long forgottenExpectations,
        long gaps,
        long ignored) {}
