package dev.stator.routing;

import java.util.Optional;

/**
 * A decision and what became of it.
 *
 * @param actual empty until the first token
 */
public record Explained(Decision decision, Optional<Actual> actual) {}
