package dev.stator.models;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What llama.cpp v0.5.0 keeps of a token and whether a model's state can be cut into blocks. The
 * engine decides the latter on the loaded model; this foretells it from the file.
 */
final class KvCost {
    /** A list by layer longer than this is damage, not a model. */
    static final int MAX_LAYERS = 4096;

    private static final Set<String> RECURRENT =
            Set.of("mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7");

    private static final Set<String> HYBRID =
            Set.of(
                    "jamba",
                    "falcon-h1",
                    "plamo2",
                    "granitehybrid",
                    "lfm2",
                    "lfm2moe",
                    "nemotron_h",
                    "nemotron_h_moe",
                    "qwen3next",
                    "kimi-linear",
                    "bailingmoe3",
                    "kimi-k3",
                    "qwen35",
                    "qwen35moe",
                    "qwen4exp",
                    "deepseek4",
                    "minimax-01");

    /** Encoders and diffusion models, which attend to the whole text at once. */
    private static final Set<String> WITHOUT_CACHE =
            Set.of(
                    "bert",
                    "jina-bert-v2",
                    "jina-bert-v3",
                    "nomic-bert",
                    "nomic-bert-moe",
                    "neo-bert",
                    "eurobert",
                    "wavtokenizer-dec",
                    "modern-bert",
                    "gemma-embedding",
                    "dream",
                    "llada",
                    "llada-moe",
                    "rnd1");

    /** Architectures that keep an index of keys beside the KV. */
    private static final Set<String> INDEXED =
            Set.of("minimax-m3", "glm-dsa", "deepseek32", "hy_v4", "dots3note");

    private static final Set<String> ENCODER_DECODER = Set.of("t5", "t5encoder");

    /**
     * Architectures whose sliding window llama.cpp applies, with the window where the file names
     * none; 0 is none.
     */
    private static final Map<String, Integer> WINDOWED =
            Map.ofEntries(
                    Map.entry("afmoe", 0),
                    Map.entry("cohere2", 0),
                    Map.entry("cohere2moe", 0),
                    Map.entry("dflash", 0),
                    Map.entry("dots3note", 0),
                    Map.entry("exaone-moe", 128),
                    Map.entry("exaone4", 0),
                    Map.entry("gemma-embedding", 0),
                    Map.entry("gemma2", 4096),
                    Map.entry("gemma3", 0),
                    Map.entry("gemma3n", 0),
                    Map.entry("gemma4", 0),
                    Map.entry("gemma4-assistant", 0),
                    Map.entry("gpt-oss", 0),
                    Map.entry("granite_swa", 0),
                    Map.entry("laguna", 0),
                    Map.entry("lfm2", 0),
                    Map.entry("llama4", 8192),
                    Map.entry("maple", 0),
                    Map.entry("mellum", 0),
                    Map.entry("mimo2", 0),
                    Map.entry("modern-bert", 0),
                    Map.entry("muse-glimmer", 0),
                    Map.entry("olmo2", 0),
                    Map.entry("plamo3", 0),
                    Map.entry("smallthinker", 0),
                    Map.entry("spark2_5", 0),
                    Map.entry("step35", 0));

    private final GgufFile file;
    private final String architecture;
    private final ModelReport.Attention attention;
    private final int layers;

    private KvCost(GgufFile file, ModelReport.Attention attention, int layers) {
        this.file = file;
        this.architecture = file.text("general.architecture").orElse("");
        this.attention = attention;
        this.layers = layers;
    }

    /**
     * @param layers of the model
     */
    static ModelReport.Kv of(GgufFile file, ModelReport.Attention attention, int layers) {
        return new KvCost(file, attention, layers).cost();
    }

    /** The sliding window that llama.cpp applies to some or all layers. */
    static OptionalLong slidingWindow(GgufFile file, String architecture) {
        var fallback = WINDOWED.get(architecture);
        if (fallback == null) {
            return OptionalLong.empty();
        }
        long window = file.whole(architecture + ".attention.sliding_window").orElse(fallback);
        return window > 0 ? OptionalLong.of(window) : OptionalLong.empty();
    }

    private ModelReport.Kv cost() {
        var uncut = whyNotCut();
        boolean cached =
                !RECURRENT.contains(architecture)
                        && !WITHOUT_CACHE.contains(architecture)
                        && attention.keyLength().isPresent()
                        && !attention.kvHeads().isEmpty();
        return new ModelReport.Kv(
                cached ? bytes(GgmlType.F16) : OptionalLong.empty(),
                cached ? bytes(GgmlType.Q8_0) : OptionalLong.empty(),
                uncut.isEmpty(),
                uncut);
    }

    private Optional<String> whyNotCut() {
        if (RECURRENT.contains(architecture)) {
            return Optional.of("it is recurrent: its state isn't one of single tokens");
        }
        if (HYBRID.contains(architecture)) {
            return Optional.of(
                    "it is a hybrid: some layers keep a state that isn't one of single tokens");
        }
        if (WITHOUT_CACHE.contains(architecture) || ENCODER_DECODER.contains(architecture)) {
            return Optional.of("it reads whole texts at once");
        }
        if (!file.flag(architecture + ".attention.causal").orElse(true)) {
            return Optional.of("its attention isn't causal");
        }
        if (mla()) {
            return Optional.of("multi-head latent attention keeps no values");
        }
        if (INDEXED.contains(architecture)) {
            return Optional.of("it keeps an index beside the KV");
        }
        if (attention.slidingWindow().isPresent()) {
            return Optional.of("sliding-window layers forget tokens");
        }
        if (attention.keyLength().isEmpty() || attention.kvHeads().isEmpty()) {
            return Optional.of("the file doesn't say what its attention keeps");
        }
        return Optional.empty();
    }

    private boolean mla() {
        return file.whole(architecture + ".attention.key_length_mla").orElse(0) > 0;
    }

    /** Empty if rows can't be stored as this type. */
    private OptionalLong bytes(GgmlType type) {
        long keyLength = attention.keyLength().orElse(0);
        long valueLength = mla() ? 0 : attention.valueLength().orElse(0);
        int caching =
                (int)
                        Math.clamp(
                                layers
                                        - file.whole(architecture + ".attention.shared_kv_layers")
                                                .orElse(0),
                                0,
                                layers);
        long total = 0;
        try {
            for (int layer = 0; layer < caching; layer++) {
                long heads = at(attention.kvHeads(), layer);
                for (long length : new long[] {keyLength, valueLength}) {
                    long row = Math.multiplyExact(heads, length);
                    if (row % type.blockElements != 0) {
                        return OptionalLong.empty();
                    }
                    total = Math.addExact(total, type.bytes(row));
                }
            }
        } catch (ArithmeticException _) {
            return OptionalLong.empty();
        }
        return OptionalLong.of(total);
    }

    /** A value by layer, of which there's one where all are alike. */
    private static long at(List<Long> values, int layer) {
        return values.size() == 1 ? values.getFirst() : values.get(layer);
    }
}
