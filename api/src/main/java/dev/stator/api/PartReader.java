package dev.stator.api;

import dev.stator.api.chat.AnswerPart;
import java.util.List;

/** Cuts an answer's text into parts as it grows. */
interface PartReader {
    List<AnswerPart> accept(String text);

    /** The rest, when nothing will follow. */
    List<AnswerPart> finish();

    /** All is text. */
    static PartReader plain() {
        return new PartReader() {
            @Override
            public List<AnswerPart> accept(String text) {
                return text.isEmpty() ? List.of() : List.of(new AnswerPart.Text(text));
            }

            @Override
            public List<AnswerPart> finish() {
                return List.of();
            }
        };
    }
}
