/** What blocks are written as below the host tier: as they are, compressed, or rounded. */
@NullMarked
package dev.stator.cache.codec;

import org.jspecify.annotations.NullMarked;
