package dev.stator.models;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The tokenizer that a synthesised model gets.
 *
 * @param tokens size of its vocabulary
 */
record SynthTokenizer(int tokens, Map<String, GgufWriter.Value> metadata) {
    private static final String PREFIX = "tokenizer.";
    private static final String TOKENS = "tokenizer.ggml.tokens";
    private static final String CHAT_TEMPLATE = "tokenizer.chat_template";
    private static final long MAX_TOKENS = 1 << 22;

    static SynthTokenizer placeholder(int tokens) {
        return new SynthTokenizer(tokens, new PlaceholderVocabulary(tokens).metadata());
    }

    /**
     * The tokenizer of another file, byte for byte; ChatML is added where it has no chat template.
     *
     * @throws ModelFileException if the file has none
     */
    static SynthTokenizer copied(Path file) {
        var source = GgufFile.read(file);
        long tokens =
                source.array(TOKENS)
                        .filter(array -> array.elementType() == GgufType.STRING)
                        .map(GgufValue.Array::count)
                        .orElse(0L);
        if (source.text("tokenizer.ggml.model").isEmpty() || tokens < 1 || tokens > MAX_TOKENS) {
            throw new ModelFileException(
                    "%s holds no tokenizer (%s); name a GGUF file that does"
                            .formatted(file, TOKENS));
        }
        var metadata = new LinkedHashMap<String, GgufWriter.Value>();
        source.extents(PREFIX)
                .forEach(
                        (key, extent) ->
                                metadata.put(
                                        key, GgufWriter.copied(file, extent.from(), extent.to())));
        metadata.computeIfAbsent(
                CHAT_TEMPLATE, _ -> GgufWriter.text(PlaceholderVocabulary.CHAT_TEMPLATE));
        return new SynthTokenizer((int) tokens, metadata);
    }
}
