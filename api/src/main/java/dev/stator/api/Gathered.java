package dev.stator.api;

import dev.stator.api.chat.AnswerPart;
import dev.stator.engine.Sampled;
import java.util.ArrayList;
import java.util.List;

/** An answer that is not streamed, as far as it has come. */
final class Gathered {
    record ToolCall(String id, String name, StringBuilder arguments) {}

    private final StringBuilder text = new StringBuilder();
    private final StringBuilder reasoning = new StringBuilder();
    private final List<ToolCall> calls = new ArrayList<>();
    private final List<Sampled> tokens = new ArrayList<>();
    private String finishReason = "";

    void add(AnswerPart part) {
        switch (part) {
            case AnswerPart.Text(var more) -> text.append(more);
            case AnswerPart.Reasoning(var more) -> reasoning.append(more);
            case AnswerPart.ToolCallStart(_, var id, var name) ->
                    calls.add(new ToolCall(id, name, new StringBuilder()));
            case AnswerPart.ToolCallArguments(var index, var more) ->
                    calls.get(index).arguments().append(more);
        }
    }

    void add(Sampled token) {
        tokens.add(token);
    }

    void finish(String reason) {
        finishReason = reason;
    }

    String text() {
        return text.toString();
    }

    String reasoning() {
        return reasoning.toString();
    }

    List<ToolCall> calls() {
        return calls;
    }

    /** Empty unless logprobs were asked for. */
    List<Sampled> tokens() {
        return tokens;
    }

    String finishReason() {
        return finishReason;
    }
}
