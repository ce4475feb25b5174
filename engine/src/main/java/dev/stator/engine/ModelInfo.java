package dev.stator.engine;

import java.util.Optional;

/**
 * What is known of a loaded model.
 *
 * @param name the file's name without its ending
 * @param contextTokens the context length that the model was trained for
 * @param kv the shape of a token's KV; empty if the model's state cannot be cut into blocks
 *     (recurrent, hybrid and sliding-window models), which are then served without reuse
 * @param fingerprint hex SHA-256 over whatever makes KV of this model differ from another's:
 *     weights, tokenizer, architecture, KV type
 * @param chatTemplate the Jinja template in the file
 * @param generates whether the model decodes text
 * @param embeds whether the model declares a pooling, hence produces embeddings
 */
public record ModelInfo(
        String name,
        String architecture,
        String description,
        long parameters,
        long bytes,
        int contextTokens,
        int vocabularySize,
        int embeddingLength,
        Optional<KvShape> kv,
        String fingerprint,
        Optional<String> chatTemplate,
        boolean generates,
        boolean embeds) {
    public ModelInfo withKv(Optional<KvShape> shape) {
        return new ModelInfo(
                name,
                architecture,
                description,
                parameters,
                bytes,
                contextTokens,
                vocabularySize,
                embeddingLength,
                shape,
                fingerprint,
                chatTemplate,
                generates,
                embeds);
    }

    public ModelInfo withFingerprint(String other) {
        return new ModelInfo(
                name,
                architecture,
                description,
                parameters,
                bytes,
                contextTokens,
                vocabularySize,
                embeddingLength,
                kv,
                other,
                chatTemplate,
                generates,
                embeds);
    }
}
