package dev.stator.api.chat;

/** Which tools an answer may or must call. */
public sealed interface ToolChoice {
    /** The model decides. */
    record Auto() implements ToolChoice {}

    /** The tools are hidden from the model, and nothing in the answer is read as a call. */
    record None() implements ToolChoice {}

    /** The answer is one or more calls. */
    record Required() implements ToolChoice {}

    /** The answer is one call of this function. */
    record Named(String name) implements ToolChoice {}
}
