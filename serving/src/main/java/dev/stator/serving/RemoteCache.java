package dev.stator.serving;

import dev.stator.cache.remote.RemoteStore;
import dev.stator.cache.remote.SharedKey;
import java.time.Duration;

/**
 * Where nodes share blocks.
 *
 * @param store closed with the node
 * @param key that all of them have
 * @param lossless whether this node compresses what it writes; what others compressed it can read
 * @param timeout after which an answer of the store is not waited for any longer
 * @param life after which the store forgets what nobody has written again; 0 for never
 */
public record RemoteCache(
        RemoteStore store, SharedKey key, boolean lossless, Duration timeout, Duration life) {}
