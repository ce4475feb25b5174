package dev.stator.sim.trace;

/** A trace cannot be read; the message names file and line and says what is wrong. */
public final class TraceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TraceException(String message) {
        super(message);
    }
}
