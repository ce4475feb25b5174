package dev.stator.api.chat;

/**
 * A conversation as the model reads it.
 *
 * @param text what the template rendered
 * @param tokens what is prefilled
 * @param reusedTokens how many of them an earlier prompt had already been tokenised to
 */
public record Prompt(String text, int[] tokens, int reusedTokens) {}
