/**
 * Compares routing policies on simulated fleets: {@link dev.stator.sim.Experiment} in, {@link
 * dev.stator.sim.Comparison} out.
 */
@NullMarked
package dev.stator.sim;

import org.jspecify.annotations.NullMarked;
