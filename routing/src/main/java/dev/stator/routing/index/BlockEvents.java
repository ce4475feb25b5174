package dev.stator.routing.index;

/**
 * What changed in one place, in the order in which it happened there. Batched by the sender, one
 * batch per engine step.
 *
 * <p>Every place numbers its batches without gaps. A receiver that misses a number asks the place
 * for all that it holds and goes on from the number of that answer.
 *
 * @param sequence number of this batch at its place, from 1
 * @param keys the upper 64 bits of the block keys. They are uniformly random, so two blocks that
 *     share them are not expected in the life of a fleet; if they do, a prediction is wrong, never
 *     an answer, because who reads a block compares the whole key. Not copied: the sender must not
 *     change it.
 */
public record BlockEvents(Place place, long sequence, Change change, long[] keys) {
    public enum Change {
        STORED,
        REMOVED,
        /** Everything that the place held is gone; {@code keys} is empty. */
        CLEARED
    }
}
