package dev.stator.models;

import java.util.List;
import java.util.Optional;

/**
 * The hyper-parameters of a model that {@link Synth} can write, as the model's authors published
 * them.
 *
 * @param architecture llama.cpp's name of it: {@code llama}, {@code qwen2} or {@code qwen3}
 * @param embedding the width of a token's state
 * @param headLength elements of a key and of a value of one head, all of which RoPE turns
 * @param tiedEmbeddings whether the output uses the matrix of the token embedding
 */
public record Shape(
        String name,
        String architecture,
        int layers,
        int embedding,
        int feedForward,
        int heads,
        int kvHeads,
        int headLength,
        int contextTokens,
        float ropeBase,
        Optional<RopeScaling> ropeScaling,
        float rmsEpsilon,
        int vocabulary,
        boolean tiedEmbeddings) {

    /**
     * Llama 3's stretching of the slow RoPE frequencies.
     *
     * @param originalContextTokens the context before stretching
     */
    record RopeScaling(float factor, float lowFactor, float highFactor, int originalContextTokens) {
        /** The divisor of each frequency; the tensor {@code rope_freqs.weight}. */
        float[] factors(float base, int headLength) {
            float[] factors = new float[headLength / 2];
            for (int i = 0; i < factors.length; i++) {
                double wavelength = 2 * Math.PI * Math.pow(base, 2.0 * i / headLength);
                double turns = originalContextTokens / wavelength;
                if (turns > highFactor) {
                    factors[i] = 1;
                } else if (turns < lowFactor) {
                    factors[i] = factor;
                } else {
                    double smooth = (turns - lowFactor) / (highFactor - lowFactor);
                    factors[i] = (float) (1 / ((1 - smooth) / factor + smooth));
                }
            }
            return factors;
        }
    }

    private static final RopeScaling LLAMA_3_1 = new RopeScaling(8, 1, 4, 8192);
    private static final RopeScaling LLAMA_3_2 = new RopeScaling(32, 1, 4, 8192);

    private static final List<Shape> ALL =
            List.of(
                    llama("tiny", 2, 128, 256, 4, 2, 32, 2048, 10_000, 512, true),
                    llama("smollm2-135m", 30, 576, 1536, 9, 3, 64, 8192, 100_000, 49_152, true),
                    llama("smollm2-360m", 32, 960, 2560, 15, 5, 64, 8192, 100_000, 49_152, true),
                    llama("smollm2-1.7b", 24, 2048, 8192, 32, 32, 64, 8192, 130_000, 49_152, true),
                    qwen("qwen2.5-0.5b", "qwen2", 24, 896, 4864, 14, 2, 64, 32_768, 151_936, true),
                    qwen(
                            "qwen2.5-1.5b",
                            "qwen2",
                            28,
                            1536,
                            8960,
                            12,
                            2,
                            128,
                            32_768,
                            151_936,
                            true),
                    qwen(
                            "qwen2.5-7b",
                            "qwen2",
                            28,
                            3584,
                            18_944,
                            28,
                            4,
                            128,
                            32_768,
                            152_064,
                            false),
                    qwen("qwen3-0.6b", "qwen3", 28, 1024, 3072, 16, 8, 128, 40_960, 151_936, true),
                    llama("tinyllama-1.1b", 22, 2048, 5632, 32, 4, 64, 2048, 10_000, 32_000, false),
                    llama(
                                    "llama-3.2-1b",
                                    16,
                                    2048,
                                    8192,
                                    32,
                                    8,
                                    64,
                                    131_072,
                                    500_000,
                                    128_256,
                                    true)
                            .scaled(LLAMA_3_2),
                    llama(
                                    "llama-3.2-3b",
                                    28,
                                    3072,
                                    8192,
                                    24,
                                    8,
                                    128,
                                    131_072,
                                    500_000,
                                    128_256,
                                    true)
                            .scaled(LLAMA_3_2),
                    llama(
                                    "llama-3.1-8b",
                                    32,
                                    4096,
                                    14_336,
                                    32,
                                    8,
                                    128,
                                    131_072,
                                    500_000,
                                    128_256,
                                    false)
                            .scaled(LLAMA_3_1),
                    llama(
                            "mistral-7b",
                            32,
                            4096,
                            14_336,
                            32,
                            8,
                            128,
                            32_768,
                            1_000_000,
                            32_768,
                            false));

    /** Names, small ones first within a family. */
    public static List<String> names() {
        return ALL.stream().map(Shape::name).toList();
    }

    /**
     * @throws ModelFileException naming the shapes there are
     */
    public static Shape named(String name) {
        return ALL.stream()
                .filter(shape -> shape.name.equals(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                new ModelFileException(
                                        "there is no shape '%s'. Choose one of: %s"
                                                .formatted(name, String.join(", ", names()))));
    }

    boolean biasedAttention() {
        return architecture.equals("qwen2");
    }

    boolean normedHeads() {
        return architecture.equals("qwen3");
    }

    Shape withVocabulary(int tokens) {
        return new Shape(
                name,
                architecture,
                layers,
                embedding,
                feedForward,
                heads,
                kvHeads,
                headLength,
                contextTokens,
                ropeBase,
                ropeScaling,
                rmsEpsilon,
                tokens,
                tiedEmbeddings);
    }

    private Shape scaled(RopeScaling scaling) {
        return new Shape(
                name,
                architecture,
                layers,
                embedding,
                feedForward,
                heads,
                kvHeads,
                headLength,
                contextTokens,
                ropeBase,
                Optional.of(scaling),
                rmsEpsilon,
                vocabulary,
                tiedEmbeddings);
    }

    private static Shape llama(
            String name,
            int layers,
            int embedding,
            int feedForward,
            int heads,
            int kvHeads,
            int headLength,
            int contextTokens,
            float ropeBase,
            int vocabulary,
            boolean tied) {
        return new Shape(
                name,
                "llama",
                layers,
                embedding,
                feedForward,
                heads,
                kvHeads,
                headLength,
                contextTokens,
                ropeBase,
                Optional.empty(),
                1e-5f,
                vocabulary,
                tied);
    }

    private static Shape qwen(
            String name,
            String architecture,
            int layers,
            int embedding,
            int feedForward,
            int heads,
            int kvHeads,
            int headLength,
            int contextTokens,
            int vocabulary,
            boolean tied) {
        return new Shape(
                name,
                architecture,
                layers,
                embedding,
                feedForward,
                heads,
                kvHeads,
                headLength,
                contextTokens,
                1_000_000,
                Optional.empty(),
                1e-6f,
                vocabulary,
                tied);
    }
}
