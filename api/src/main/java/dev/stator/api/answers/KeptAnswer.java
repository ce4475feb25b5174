package dev.stator.api.answers;

import java.util.Optional;

/**
 * A whole answer that ended by itself.
 *
 * @param text as the model wrote it, before reasoning is told from it
 * @param stop the stop string that it ended before
 * @param tokens that were generated, the end token among them
 */
public record KeptAnswer(String text, Optional<String> stop, int tokens) {}
