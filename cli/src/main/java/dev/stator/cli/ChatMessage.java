package dev.stator.cli;

/**
 * @param role {@code system}, {@code user} or {@code assistant}
 */
record ChatMessage(String role, String content) {}
