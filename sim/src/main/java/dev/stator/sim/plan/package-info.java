/** How many workers of which size a load needs: the search behind {@code stator plan}. */
@NullMarked
package dev.stator.sim.plan;

import org.jspecify.annotations.NullMarked;
