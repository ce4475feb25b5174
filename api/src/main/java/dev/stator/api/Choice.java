package dev.stator.api;

import dev.stator.api.chat.AnswerPart;
import dev.stator.serving.FinishReason;
import java.util.ArrayList;
import java.util.List;

/** One answer on its way: its parts, and how it ends. */
final class Choice {
    private final PartReader reader;
    private boolean calls;

    Choice(PartReader reader) {
        this.reader = reader;
    }

    List<AnswerPart> accept(String text) {
        return noted(reader.accept(text));
    }

    /**
     * @param tail the text that the serving layer held back
     */
    List<AnswerPart> finish(String tail) {
        var rest = new ArrayList<>(reader.accept(tail));
        rest.addAll(reader.finish());
        return noted(rest);
    }

    /** To be asked after {@link #finish}. */
    String finishReason(FinishReason reason) {
        return switch (reason) {
            case STOP -> calls ? "tool_calls" : "stop";
            case LENGTH -> "length";
            case CANCELLED -> "cancelled";
        };
    }

    private List<AnswerPart> noted(List<AnswerPart> parts) {
        for (var part : parts) {
            calls |= part instanceof AnswerPart.ToolCallStart;
        }
        return parts;
    }
}
