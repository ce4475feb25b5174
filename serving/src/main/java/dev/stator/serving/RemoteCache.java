package dev.stator.serving;

import dev.stator.cache.remote.RemoteStore;
import dev.stator.cache.remote.SharedKey;
import java.time.Duration;

/**
 * Where nodes share blocks.
 *
 * @param store closed with the node
 * @param key that all of them have
 * @param codec what this node writes blocks as; it reads raw and lossless ones whatever it writes,
 *     and lossy ones only if it writes them
 * @param timeout after which an answer of the store is not waited for any longer
 * @param life after which the store forgets what nobody has written again; 0 for never
 */
public record RemoteCache(
        RemoteStore store, SharedKey key, CacheCodec codec, Duration timeout, Duration life) {}
