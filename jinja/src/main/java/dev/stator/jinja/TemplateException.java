package dev.stator.jinja;

/**
 * The text is not a template, or a template failed while it rendered. The message starts with the
 * line where it happened, except when the template itself refused its input with {@code
 * raise_exception}: then it is the template's own text, word for word.
 */
public final class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int line;
    private final boolean raised;

    private TemplateException(String message, int line, boolean raised) {
        super(message);
        this.line = line;
        this.raised = raised;
    }

    /** An error whose line the interpreter adds. */
    static TemplateException of(String problem) {
        return new TemplateException(problem, 0, false);
    }

    static TemplateException at(int line, String problem) {
        return new TemplateException("line " + line + ": " + problem, line, false);
    }

    static TemplateException raisedByTemplate(String message, int line) {
        return new TemplateException(message, line, true);
    }

    /** This error with its line, if it has none yet. */
    TemplateException withLine(int where) {
        if (line > 0) {
            return this;
        }
        var located = raised ? raisedByTemplate(getMessage(), where) : at(where, getMessage());
        located.setStackTrace(getStackTrace());
        return located;
    }

    /** The line of the template, from 1. */
    public int line() {
        return line;
    }

    /** True when the template called {@code raise_exception}. */
    public boolean raised() {
        return raised;
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
