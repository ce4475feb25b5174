/** Blocks, keys, tiers, pins and eviction: who computed what, and where its KV is. */
@NullMarked
package dev.stator.cache;

import org.jspecify.annotations.NullMarked;
