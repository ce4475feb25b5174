/**
 * What in a pipeline's prompts, or in a template, destroys reuse, and what a change would save:
 * each change is made to all requests, and these go through the keys of real blocks again.
 */
@NullMarked
package dev.stator.api.lint;

import org.jspecify.annotations.NullMarked;
