/**
 * Blocks, keys, tiers, pins and eviction: who computed what, and where its KV is.
 *
 * <p>{@link dev.stator.cache.BlockKey} names blocks, {@link dev.stator.cache.HostTier} keeps them.
 * The tier is thread-safe: one lock guards its metadata, rows are copied without it. A prefix in it
 * never has a hole. Nothing here is needed for correct answers: every block can be computed again.
 */
@NullMarked
package dev.stator.cache;

import org.jspecify.annotations.NullMarked;
