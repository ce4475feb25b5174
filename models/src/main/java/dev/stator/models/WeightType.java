package dev.stator.models;

import java.util.Arrays;
import java.util.Locale;

/**
 * What {@link Synth} stores matrices as. Norms, biases and RoPE factors are always F32; in a Q4_0
 * file the output matrix is Q6_K where its rows allow that and Q8_0 elsewhere, as llama.cpp's own
 * quantiser decides.
 */
public enum WeightType {
    Q4_0(GgmlType.Q4_0, 2),
    Q8_0(GgmlType.Q8_0, 7),
    F16(GgmlType.F16, 1);

    final GgmlType matrix;

    /** llama.cpp's number for a file that is mostly of this type. */
    final int fileType;

    WeightType(GgmlType matrix, int fileType) {
        this.matrix = matrix;
        this.fileType = fileType;
    }

    /**
     * @throws ModelFileException naming the types there are
     */
    public static WeightType named(String name) {
        return Arrays.stream(values())
                .filter(type -> type.name().equals(name.toUpperCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(
                        () ->
                                new ModelFileException(
                                        "there is no weight type '%s'. Choose one of: Q4_0, Q8_0, F16"
                                                .formatted(name)));
    }

    /** The type of the matrix that makes the logits. */
    GgmlType output(int rowElements) {
        return switch (this) {
            case Q4_0 ->
                    rowElements % GgmlType.Q6_K.blockElements == 0 ? GgmlType.Q6_K : GgmlType.Q8_0;
            case Q8_0, F16 -> matrix;
        };
    }
}
