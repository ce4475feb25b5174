package dev.stator.routing;

import java.util.List;

/**
 * @param candidates as in {@link Decision}
 */
record Choice(Plan plan, List<Plan> candidates) {}
