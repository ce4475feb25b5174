package dev.stator.remote;

import dev.stator.cache.CacheException;
import dev.stator.cache.remote.RemoteStore;
import java.time.Duration;

/** Opens a store by its URL. */
public final class RemoteStores {
    /** What can be written, for help pages. */
    public static final String SPELLINGS =
            "redis://HOST:PORT, rediss:// (TLS), redis-sentinel://HOST:PORT,…/#MASTER, redis-cluster://HOST:PORT,… or rediss-cluster://, valkey for redis, each with USER:PASSWORD@; s3://BUCKET/PREFIX?region=…&endpoint=URL";

    private RemoteStores() {}

    /**
     * Makes a client of the store, which need not be reachable yet.
     *
     * @param patience after which an attempt to connect is given up
     * @throws CacheException if the URL is none; does not repeat it, as it may hold a password
     */
    public static RemoteStore open(String url, Duration patience) {
        int end = url.indexOf("://");
        String scheme = end < 0 ? "" : url.substring(0, end);
        try {
            return switch (scheme) {
                case "redis", "rediss", "redis-sentinel", "rediss-sentinel" ->
                        RedisStore.single(url, patience);
                case "valkey", "valkeys", "valkey-sentinel", "valkeys-sentinel" ->
                        RedisStore.single(url.replaceFirst("valkey", "redis"), patience);
                case "redis-cluster", "rediss-cluster" -> RedisStore.cluster(url, patience);
                case "valkey-cluster", "valkeys-cluster" ->
                        RedisStore.cluster(url.replaceFirst("valkey", "redis"), patience);
                case "s3" -> S3Store.open(url, patience);
                default ->
                        throw new IllegalArgumentException(
                                scheme.isEmpty()
                                        ? "it has no scheme"
                                        : "the scheme '%s' is not known".formatted(scheme));
            };
        } catch (IllegalArgumentException e) {
            throw new CacheException(
                    "The remote cache's URL cannot be used: %s. Write one of %s."
                            .formatted(e.getMessage(), SPELLINGS),
                    e);
        }
    }
}
