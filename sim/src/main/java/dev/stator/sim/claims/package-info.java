/** What others have published about fleets, run again in the simulator. */
@NullMarked
package dev.stator.sim.claims;

import org.jspecify.annotations.NullMarked;
