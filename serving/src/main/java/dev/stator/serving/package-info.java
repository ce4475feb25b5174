/** The life of a request: workers, continuous batching, handoff through the cache, admission. */
@NullMarked
package dev.stator.serving;

import org.jspecify.annotations.NullMarked;
