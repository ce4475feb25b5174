package dev.stator.serving;

import dev.stator.engine.Sampled;

/**
 * A generated token.
 *
 * @param text what this token adds to the answer's text; empty while a UTF-8 character or a
 *     possible stop string is incomplete
 */
public record GeneratedToken(Sampled sampled, String text) {}
