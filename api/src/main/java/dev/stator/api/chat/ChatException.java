package dev.stator.api.chat;

/**
 * A conversation, tool or schema that cannot be served as asked (HTTP 400). The message says what
 * to change and is fit to be shown to the client.
 */
public final class ChatException extends RuntimeException {
    public ChatException(String message) {
        super(message);
    }

    public ChatException(String message, Throwable cause) {
        super(message, cause);
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
