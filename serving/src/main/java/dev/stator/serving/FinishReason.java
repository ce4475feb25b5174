package dev.stator.serving;

/** Why an answer ended. */
public enum FinishReason {
    /** The model ended it, or a stop string or token was met. */
    STOP,
    LENGTH,
    CANCELLED
}
