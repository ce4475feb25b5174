package dev.stator.models;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a model file says of its model.
 *
 * @param file its path, of the first part where the model is split
 * @param bytes of all parts that are there
 * @param missingParts names of parts that should lie beside the file and don't
 * @param quantisation e.g. {@code Q4_K_M}
 * @param bytesByType of the weights, by how they are stored, the largest first
 * @param contextTokens the context that the model was trained for
 * @param feedForward width by layer; one element where all layers are alike
 * @param experts how many a mixture-of-experts layer has
 * @param chatTemplate the Jinja template as it is
 */
public record ModelReport(
        String file,
        long bytes,
        List<String> missingParts,
        Optional<String> name,
        String architecture,
        long parameters,
        String quantisation,
        double bitsPerWeight,
        Map<String, Long> bytesByType,
        OptionalLong contextTokens,
        int layers,
        OptionalLong embeddingLength,
        List<Long> feedForward,
        OptionalLong experts,
        Attention attention,
        Kv kv,
        Rope rope,
        Vocabulary vocabulary,
        Optional<String> chatTemplate) {

    /**
     * @param heads by layer; one element where all layers are alike, none where there are none
     * @param kvHeads likewise
     * @param keyLength elements of a key of one head
     * @param slidingWindow tokens that some or all layers look back, where llama.cpp applies it
     */
    public record Attention(
            List<Long> heads,
            List<Long> kvHeads,
            OptionalLong keyLength,
            OptionalLong valueLength,
            OptionalLong slidingWindow) {}

    /**
     * @param bytesPerTokenF16 of keys and values of all attention layers; layers with a sliding
     *     window stop growing at it
     * @param bytesPerTokenQ8 the same as q8_0; empty where rows are not multiples of 32
     * @param cutIntoBlocks whether Stator reuses prefixes of this model
     * @param notCutBecause present if not
     */
    public record Kv(
            OptionalLong bytesPerTokenF16,
            OptionalLong bytesPerTokenQ8,
            boolean cutIntoBlocks,
            Optional<String> notCutBecause) {}

    /**
     * @param dimensions how many elements of a head are turned
     * @param scaling e.g. {@code yarn}
     * @param frequencyFactors whether the file has a factor for each frequency, as Llama 3 does
     */
    public record Rope(
            OptionalLong dimensions,
            OptionalDouble base,
            Optional<String> scaling,
            OptionalDouble factor,
            OptionalLong originalContextTokens,
            boolean frequencyFactors) {}

    /**
     * @param tokenizer llama.cpp's name, e.g. {@code gpt2} for byte-level BPE
     * @param pretokenizer the rule that splits a text before BPE
     * @param specials role to token, e.g. {@code bos}
     */
    public record Vocabulary(
            long tokens,
            Optional<String> tokenizer,
            Optional<String> pretokenizer,
            Map<String, Special> specials,
            Optional<Boolean> addsBos) {}

    public record Special(long token, Optional<String> text) {}

    /**
     * Reads a model file and, where the model is split, the parts beside it.
     *
     * @throws ModelFileException if a file cannot be read, is no GGUF or describes no model
     */
    public static ModelReport of(Path file) {
        return new ModelReader(file).report();
    }

    /** The report for people, lines of text. Control characters from the file are masked. */
    public String text() {
        return new ReportText(this).text();
    }

    /** The report for programs; what is not known is left out. */
    public String json() {
        return JsonMapper.builder()
                .enable(SerializationFeature.INDENT_OUTPUT)
                .changeDefaultPropertyInclusion(
                        _ ->
                                JsonInclude.Value.construct(
                                        JsonInclude.Include.NON_ABSENT,
                                        JsonInclude.Include.NON_ABSENT))
                .build()
                .writeValueAsString(this);
    }
}
