package dev.stator.routing.queue;

/** The answer to a request that wants to wait. */
public sealed interface Admission {
    /**
     * It has its place.
     *
     * @param waitMillis how long it is predicted to wait; 0 while nothing has been measured
     */
    record Queued(double waitMillis) implements Admission {}

    /**
     * It will not be served. For HTTP: 429 with Retry-After.
     *
     * @param retryAfterSeconds when trying again is likely to succeed, at least 1
     * @param reason a sentence for people
     */
    record Shed(Cause cause, int retryAfterSeconds, String reason) implements Admission {}

    /** Why requests are shed. */
    enum Cause {
        /** There is no room, or somebody else needed it more. */
        QUEUE_FULL,
        /** Its first token would be late. */
        DEADLINE,
        /** The server is shutting down. */
        DRAINING
    }
}
