package dev.stator.cli;

/** The command cannot be carried out; the message is a sentence for the user. */
final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Exit code for something that does not work out. */
    static final int FAILED = 1;

    /** Exit code for something that was asked for wrongly. */
    static final int MISUSED = 2;

    private final int exitCode;

    private Refusal(String message, int exitCode) {
        super(message);
        this.exitCode = exitCode;
    }

    static Refusal failed(String message) {
        return new Refusal(message, FAILED);
    }

    static Refusal misused(String message) {
        return new Refusal(message, MISUSED);
    }

    int exitCode() {
        return exitCode;
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
