/**
 * Text recognised by its content, wherever it stands: prompts are cut into chunks where their own
 * tokens say so, and passages that prompts have in common are found by the keys of their chunks.
 */
@NullMarked
package dev.stator.cache.chunk;

import org.jspecify.annotations.NullMarked;
