package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;

/**
 * Whose KV a file of a prefix holds, and in what portions.
 *
 * @param name for people
 * @param fingerprint differs wherever KV may not be shared
 * @param blockTokens the most tokens that a block holds
 * @param bytesPerToken of its rows
 */
public record PrefixModel(String name, BlockKey fingerprint, int blockTokens, int bytesPerToken) {}
