package dev.stator.sim.time;

/** A set-up that does not exist or cannot work; the message says what to change. */
public final class SetupException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public SetupException(String message) {
        super(message);
    }
}
