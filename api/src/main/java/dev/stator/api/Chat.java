package dev.stator.api;

import dev.stator.api.chat.ChatException;
import dev.stator.api.chat.ChatModel;
import dev.stator.engine.ModelInfo;
import dev.stator.engine.Tokenizer;

/** Whether the model can hold a conversation: not without a chat template that we can read. */
sealed interface Chat {
    record Possible(ChatModel model) implements Chat {}

    record Impossible(String reason) implements Chat {}

    static Chat of(ModelInfo model, Tokenizer tokenizer) {
        try {
            return new Possible(ChatModel.of(model, tokenizer));
        } catch (ChatException e) {
            return new Impossible(e.getMessage());
        }
    }

    /**
     * @throws ApiException with the reason, if there is none
     */
    default ChatModel model() {
        return switch (this) {
            case Possible(var model) -> model;
            case Impossible(var reason) ->
                    throw new ApiException(ApiError.invalid("messages", reason));
        };
    }
}
