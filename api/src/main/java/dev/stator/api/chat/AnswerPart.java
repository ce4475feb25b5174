package dev.stator.api.chat;

/** A piece of an answer, in the order in which the model wrote it. */
public sealed interface AnswerPart {
    record Text(String text) implements AnswerPart {}

    /** What a reasoning model thinks before it answers. */
    record Reasoning(String text) implements AnswerPart {}

    /**
     * @param index 0 for the answer's first call, then counting up
     */
    record ToolCallStart(int index, String id, String name) implements AnswerPart {}

    /**
     * @param delta JSON text to append to the arguments of call {@code index}
     */
    record ToolCallArguments(int index, String delta) implements AnswerPart {}
}
