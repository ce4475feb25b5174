package dev.stator.cache;

/** A tier cannot be opened; the message says what to change. */
public final class CacheException extends RuntimeException {
    public CacheException(String message) {
        super(message);
    }

    public CacheException(String message, Throwable cause) {
        super(message, cause);
    }
}
