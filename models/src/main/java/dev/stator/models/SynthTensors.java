package dev.stator.models;

import java.util.ArrayList;
import java.util.List;

/** The tensors of a {@link Shape}, named and sized as llama.cpp wants them. */
final class SynthTensors {
    /** What a tensor is filled with. */
    sealed interface Fill {
        record Ones() implements Fill {}

        record Values(float[] values) implements Fill {}

        /** Mean 0 and this standard deviation. */
        record Random(float deviation) implements Fill {}
    }

    /**
     * @param columns elements of a row, the contiguous dimension
     * @param rows 0 for a tensor of one dimension
     */
    record Tensor(String name, GgmlType type, int columns, int rows, Fill fill) {
        long bytes() {
            return type.bytes((long) columns * Math.max(1, rows));
        }
    }

    private static final Fill.Ones ONES = new Fill.Ones();
    private static final float BIAS_DEVIATION = 0.02f;

    private final Shape shape;
    private final WeightType type;
    private final List<Tensor> tensors = new ArrayList<>();

    private SynthTensors(Shape shape, WeightType type) {
        this.shape = shape;
        this.type = type;
    }

    static List<Tensor> of(Shape shape, WeightType type) {
        return new SynthTensors(shape, type).all();
    }

    private List<Tensor> all() {
        int width = shape.embedding();
        var output = type.output(width);
        matrix(
                "token_embd.weight",
                shape.tiedEmbeddings() ? output : type.matrix,
                width,
                shape.vocabulary(),
                1);
        shape.ropeScaling()
                .ifPresent(
                        scaling ->
                                vector(
                                        "rope_freqs.weight",
                                        shape.headLength() / 2,
                                        new Fill.Values(
                                                scaling.factors(
                                                        shape.ropeBase(), shape.headLength()))));
        for (int layer = 0; layer < shape.layers(); layer++) {
            layer("blk." + layer + ".");
        }
        vector("output_norm.weight", width, ONES);
        if (!shape.tiedEmbeddings()) {
            matrix("output.weight", output, width, shape.vocabulary(), 1);
        }
        return List.copyOf(tensors);
    }

    private void layer(String prefix) {
        int width = shape.embedding();
        int queries = shape.heads() * shape.headLength();
        int keys = shape.kvHeads() * shape.headLength();
        // What each layer adds is small enough that all of them together double the state.
        double residual = 1 / Math.sqrt(2.0 * shape.layers());

        vector(prefix + "attn_norm.weight", width, ONES);
        matrix(prefix + "attn_q.weight", type.matrix, width, queries, 1);
        matrix(prefix + "attn_k.weight", type.matrix, width, keys, 1);
        matrix(prefix + "attn_v.weight", type.matrix, width, keys, 1);
        if (shape.biasedAttention()) {
            vector(prefix + "attn_q.bias", queries, new Fill.Random(BIAS_DEVIATION));
            vector(prefix + "attn_k.bias", keys, new Fill.Random(BIAS_DEVIATION));
            vector(prefix + "attn_v.bias", keys, new Fill.Random(BIAS_DEVIATION));
        }
        if (shape.normedHeads()) {
            vector(prefix + "attn_q_norm.weight", shape.headLength(), ONES);
            vector(prefix + "attn_k_norm.weight", shape.headLength(), ONES);
        }
        matrix(prefix + "attn_output.weight", type.matrix, queries, width, residual);
        vector(prefix + "ffn_norm.weight", width, ONES);
        matrix(prefix + "ffn_gate.weight", type.matrix, width, shape.feedForward(), 1);
        matrix(prefix + "ffn_up.weight", type.matrix, width, shape.feedForward(), 1);
        matrix(prefix + "ffn_down.weight", type.matrix, shape.feedForward(), width, residual);
    }

    private void vector(String name, int elements, Fill fill) {
        tensors.add(new Tensor(name, GgmlType.F32, elements, 0, fill));
    }

    /** A matrix whose product with a vector of unit elements has elements around {@code gain}. */
    private void matrix(String name, GgmlType stored, int columns, int rows, double gain) {
        tensors.add(
                new Tensor(
                        name,
                        stored,
                        columns,
                        rows,
                        new Fill.Random((float) (gain / Math.sqrt(columns)))));
    }
}
