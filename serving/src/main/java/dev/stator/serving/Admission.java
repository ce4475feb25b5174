package dev.stator.serving;

/** The answer to a submitted request. */
public sealed interface Admission {
    /** The request will be answered; {@link #cancel()} stops it. */
    non-sealed interface Admitted extends Admission {
        /**
         * Stops the answer soon; the listener then hears {@link FinishReason#CANCELLED}.
         * Idempotent, never blocks.
         */
        void cancel();
    }

    /**
     * The queue is full or the server drains.
     *
     * @param retryAfterSeconds when trying again is likely to succeed
     * @param reason a sentence for people
     */
    record Shed(int retryAfterSeconds, String reason) implements Admission {}
}
