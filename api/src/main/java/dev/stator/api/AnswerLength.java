package dev.stator.api;

import java.util.Optional;
import java.util.OptionalInt;

/** How long an answer may become: the context is shared by prompt and answer. */
final class AnswerLength {
    private AnswerLength() {}

    /**
     * @param asked the limit that the client set, if any
     * @param absent the limit if the client set none; 0: up to the end of the context
     * @param param the prompt's field, for the error
     * @throws ApiException {@code context_length_exceeded}
     */
    static int of(
            int promptTokens, OptionalInt asked, int absent, int contextTokens, String param) {
        int room = contextTokens - promptTokens;
        if (room < 1 || asked.orElse(0) > room) {
            var wanted =
                    asked.isPresent()
                            ? "%d tokens (%d in the prompt, %d for the answer)"
                                    .formatted(
                                            (long) promptTokens + asked.getAsInt(),
                                            promptTokens,
                                            asked.getAsInt())
                            : "%d tokens in the prompt and at least 1 for the answer"
                                    .formatted(promptTokens);
            throw new ApiException(
                    new ApiError.Invalid(
                            "The context length is %d tokens, but the request needs %s. Shorten the prompt or the answer."
                                    .formatted(contextTokens, wanted),
                            Optional.of(param),
                            Optional.of("context_length_exceeded")));
        }
        return asked.orElse(absent == 0 ? room : Math.min(absent, room));
    }
}
