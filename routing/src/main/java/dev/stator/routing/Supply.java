package dev.stator.routing;

import java.util.List;

/**
 * Where a worker has the leading blocks of a prompt from; what follows must be computed.
 *
 * @param heldBlocks leading blocks on its own device
 * @param sources where it fetches those that follow, in the order of the prompt and without gaps
 */
public record Supply(int heldBlocks, List<Source> sources) {
    public Supply {
        sources = List.copyOf(sources);
    }

    /** Leading blocks that need not be computed. */
    public int blocks() {
        return sources.isEmpty() ? heldBlocks : sources.getLast().toBlock();
    }
}
