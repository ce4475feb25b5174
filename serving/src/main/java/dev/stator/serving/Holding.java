package dev.stator.serving;

import dev.stator.routing.index.Place;

/**
 * All that a place held at one moment.
 *
 * @param sequence number of its last batch of changes by then
 * @param keys the upper 64 bits of the blocks' keys
 */
public record Holding(Place place, long sequence, long[] keys) {}
