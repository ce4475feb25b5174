/** How long hardware takes: GPUs, model shapes, and the time models made of both. */
@NullMarked
package dev.stator.sim.time;

import org.jspecify.annotations.NullMarked;
