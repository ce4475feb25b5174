package dev.stator.routing;

import dev.stator.routing.index.Place;

/**
 * A hint: the blocks {@code [fromBlock, toBlock)} of the prompt are best fetched from this place.
 * Blocks that no source names are held by the worker itself or are to be computed.
 */
public record Source(int fromBlock, int toBlock, Place place) {}
