package dev.stator.api;

import dev.stator.api.chat.AnswerPart;
import dev.stator.engine.Sampled;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** How an endpoint writes its answers in JSON. */
interface Shape {
    /** A fresh parser of one answer's text. */
    PartReader reader();

    /** What stands beside {@code choices}: id, object, time and model. */
    ObjectNode envelope(boolean chunk);

    /** The choice object of an answer's first chunk; empty if the first token's will do. */
    Optional<ObjectNode> opening(int choice);

    /** The choice object of a chunk with one part. */
    ObjectNode delta(int choice, AnswerPart part, JsonNode logprobs);

    /** The choice object of an answer's last chunk. */
    ObjectNode closing(int choice, String finishReason);

    /** The choice object of an answer that is not streamed. */
    ObjectNode whole(int choice, Gathered answer);

    /**
     * @param textOffset characters of the answer before these tokens
     */
    JsonNode logprobs(List<Sampled> tokens, int textOffset);
}
