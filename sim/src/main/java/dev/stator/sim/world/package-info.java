/**
 * A fleet on a virtual clock. {@link dev.stator.sim.world.World} runs the real router, queue and
 * index in front of simulated workers, whose tiers evict by the real policy.
 */
@NullMarked
package dev.stator.sim.world;

import org.jspecify.annotations.NullMarked;
