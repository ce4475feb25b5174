package dev.stator.api;

/** The HTTP server cannot start; the message says what to do. */
public final class ApiStartException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ApiStartException(String message, Throwable cause) {
        super(message, cause);
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
