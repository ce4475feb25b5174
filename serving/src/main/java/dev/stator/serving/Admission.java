package dev.stator.serving;

import dev.stator.routing.queue.Admission.Cause;

/** The answer to a submitted request. */
public sealed interface Admission {
    /**
     * The request is taken in; {@link #cancel()} stops it. It may yet be {@linkplain
     * GenerationListener#onShed shed} while it waits.
     */
    non-sealed interface Admitted extends Admission {
        /**
         * Stops the answer soon; the listener then hears {@link FinishReason#CANCELLED}.
         * Idempotent, never blocks.
         */
        void cancel();
    }

    /**
     * The queue is full, the first token would be late, or the server drains. Nothing has been
     * computed.
     *
     * @param retryAfterSeconds when trying again is likely to succeed
     * @param reason a sentence for people
     */
    record Shed(Cause cause, int retryAfterSeconds, String reason) implements Admission {}
}
