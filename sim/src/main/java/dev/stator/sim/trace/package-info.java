/** What is asked of a fleet, and when: recorded traces and synthetic sessions. */
@NullMarked
package dev.stator.sim.trace;

import org.jspecify.annotations.NullMarked;
