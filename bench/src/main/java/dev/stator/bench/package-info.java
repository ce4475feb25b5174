/**
 * Benchmarks: each prints a ratio to a named reference that it measures in the same run, reference
 * and subject by turns, with medians over the rounds. Started by {@code bench/run}.
 */
@NullMarked
package dev.stator.bench;

import org.jspecify.annotations.NullMarked;
