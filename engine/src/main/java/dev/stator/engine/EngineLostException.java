package dev.stator.engine;

/**
 * The process that computed for a context is gone, and with it all KV and all samplers of the
 * context; nothing of it can touch memory any more. {@link EngineContext#reopen()} begins anew.
 *
 * <p>Not an {@link EngineException}: a step that failed costs the requests of that step, this costs
 * the worker its memory.
 */
public final class EngineLostException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public EngineLostException(String message) {
        super(message);
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
