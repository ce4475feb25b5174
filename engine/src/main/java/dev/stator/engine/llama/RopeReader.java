package dev.stator.engine.llama;

import dev.stator.engine.EngineException;
import dev.stator.engine.llama.KvMobility.Immovable;
import dev.stator.engine.llama.KvMobility.Movable;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;

/** Learns from a model and its file how its K is rotated, as llama.cpp does. */
final class RopeReader {
    // llama_rope_type
    private static final int NONE = -1;
    private static final int NORM = 0;
    private static final int NEOX = 2;

    private final Llama llama;
    private final MemorySegment model;
    private final Path file;
    private final String architecture;

    RopeReader(Llama llama, MemorySegment model, Path file) {
        this.llama = llama;
        this.model = model;
        this.file = file;
        this.architecture = llama.meta(model, "general.architecture").orElse("");
    }

    /** What is known without computing anything. */
    KvMobility read(KvType type) {
        if (type != KvType.F16 && type != KvType.F32) {
            return new Immovable(
                    "K is stored as %s; only f16 and f32 can be rotated".formatted(type.label()));
        }
        int rotation = llama.modelInt("llama_model_rope_type", model);
        if (rotation == NONE) {
            return new Immovable("the model does not mark positions by rotating K");
        }
        if (rotation != NORM && rotation != NEOX) {
            return new Immovable("the model uses M-RoPE");
        }
        if (meta("attention.kv_lora_rank").isPresent()) {
            return new Immovable("the model keeps K compressed (MLA)");
        }
        var scaling = meta("rope.scaling.type").orElse("linear");
        if (scaling.equals("longrope")) {
            return new Immovable("the model's rotation depends on the context's size (longrope)");
        }
        int head = headLength();
        int rotated = integer("rope.dimension_count").orElse(head);
        if (head < 1 || rotated < 2 || rotated > head || rotated % 2 != 0) {
            return new Immovable(
                    "its heads of %d elements, %d of them rotated, are not understood"
                            .formatted(head, rotated));
        }
        return new Movable(
                new Rope(
                        head,
                        rotation == NORM ? Rope.Pairing.NEIGHBOURS : Rope.Pairing.HALVES,
                        angles(rotated, scaling),
                        type));
    }

    private int headLength() {
        return integer("attention.key_length")
                .orElseGet(
                        () ->
                                llama.modelInt("llama_model_n_embd", model)
                                        / Math.max(1, llama.modelInt("llama_model_n_head", model)));
    }

    private double[] angles(int rotated, String scaling) {
        double base = real("rope.freq_base").orElse(10_000.0);
        double scale =
                scaling.equals("none")
                        ? 1
                        : llama.modelFloat("llama_model_rope_freq_scale_train", model);
        var factors =
                GgufTensor.floats(llama.libraries(), file, "rope_freqs.weight")
                        .filter(values -> values.length >= rotated / 2);
        // llama.cpp multiplies by this float from pair to pair, so its rounding is part of the
        // model.
        double step = (float) Math.pow((float) base, -2f / rotated);
        var angles = new double[rotated / 2];
        for (int j = 0; j < angles.length; j++) {
            int pair = j;
            double plain = Math.pow(step, j) / factors.map(values -> values[pair]).orElse(1f);
            double kept = scaling.equals("yarn") ? yarnKept(j, rotated, base) : 0;
            angles[j] = plain * (scale * (1 - kept) + kept);
        }
        return angles;
    }

    /** How much of a pair's plain angle YaRN keeps: all of the fast ones, none of the slow. */
    private double yarnKept(int pair, int rotated, double base) {
        int trained =
                integer("rope.scaling.original_context_length")
                        .orElseGet(() -> llama.modelInt("llama_model_n_ctx_train", model));
        double fast = real("rope.scaling.yarn_beta_fast").orElse(32.0);
        double slow = real("rope.scaling.yarn_beta_slow").orElse(1.0);
        double extent = real("rope.scaling.yarn_ext_factor").orElse(1.0);
        double low = Math.max(0, Math.floor(turningPair(fast, rotated, base, trained)));
        double high = Math.min(rotated - 1, Math.ceil(turningPair(slow, rotated, base, trained)));
        double ramp = (pair - low) / Math.max(0.001, high - low);
        return (1 - Math.clamp(ramp, 0.0, 1.0)) * extent;
    }

    /** The pair that turns {@code turns} times within the context that was trained. */
    private static double turningPair(double turns, int rotated, double base, int trained) {
        return rotated * Math.log(trained / (turns * 2 * Math.PI)) / (2 * Math.log(base));
    }

    private Optional<String> meta(String key) {
        return llama.meta(model, architecture + "." + key);
    }

    private Optional<Integer> integer(String key) {
        return real(key).map(Double::intValue);
    }

    private Optional<Double> real(String key) {
        return meta(key)
                .map(
                        text -> {
                            try {
                                return Double.valueOf(text);
                            } catch (NumberFormatException e) {
                                throw new EngineException(
                                        "%s.%s is no number: %s".formatted(architecture, key, text),
                                        e);
                            }
                        });
    }
}
