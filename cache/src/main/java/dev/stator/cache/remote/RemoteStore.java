package dev.stator.cache.remote;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A store of values by name that several nodes reach. Thread-safe.
 *
 * <p>Calls return at once; calls that are made one after the other are on their way together.
 * Futures fail with whatever the client says, and may never complete: who waits brings his own
 * patience, and cancels what he no longer waits for.
 */
public interface RemoteStore extends AutoCloseable {
    /** Whether there is a value under each name, in the order of the names. */
    CompletableFuture<List<Boolean>> contains(List<String> names);

    /**
     * The value, if there is one.
     *
     * @param mostBytes what a value can have; of a longer one some more bytes come back, but not
     *     all
     */
    CompletableFuture<Optional<byte[]>> get(String name, int mostBytes);

    /**
     * A value that {@link #get} has brought is not looked at any more: from now on its memory may
     * hold another one.
     */
    default void release(byte[] value) {}

    /**
     * Puts a value in the place of whatever is there.
     *
     * @param life after which the store may forget it; 0 for never
     */
    CompletableFuture<?> put(String name, byte[] value, Duration life);

    /** Removes values; names that have none are no failure. */
    CompletableFuture<?> delete(List<String> names);

    /** It has not answered: connections that may hang are not used any more. */
    void reset();

    /** Where it is, for people; without credentials. */
    String address();

    /** Ends all connections; what is on its way fails. */
    @Override
    void close();
}
