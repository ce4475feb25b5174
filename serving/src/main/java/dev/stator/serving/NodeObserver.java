package dev.stator.serving;

import dev.stator.routing.Step;
import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.Tier;

/**
 * Hears what a router elsewhere wants to know of a node. Called on engine threads and under the
 * tiers' locks: must not block, must not throw.
 */
public interface NodeObserver {
    /** What a tier of the node holds has changed; in order for each place. */
    void changed(BlockEvents events);

    /** What a step of one of its workers took. */
    void stepped(Step step, double millis);

    /** What it took to bring so many tokens of KV from a tier of the node to a device. */
    void moved(Tier from, long tokens, double millis);
}
