/** Plans: which worker prefills, which decodes, predicted in milliseconds. */
@NullMarked
package dev.stator.routing;

import org.jspecify.annotations.NullMarked;
