package dev.stator.serving;

import dev.stator.engine.ModelInfo;

/**
 * Where attention is computed in tiles, a step with fewer tokens than a tile can take longer than
 * one with more: on processors llama.cpp attends token by token then. From some length of the
 * context on it is cheaper to fill the tile, with tokens that have to be computed soon, or with
 * such as are known already.
 *
 * @param tokens of a tile; 1 if there are none
 * @param attention operations of a token's attention to another ÷ those of its weights
 */
record AttentionTiles(int tokens, double attention) {
    /**
     * What an operation of attention costs, in operations of weights, without and with tiles: as
     * measured on AVX2 with the shape of Llama 3.2 1B, Q4_0 and KV of f16, behind 512 to 4,096
     * tokens. On AVX-512 the former is larger.
     */
    private static final double COST_APART = 13;

    private static final double COST_TILED = 2.5;

    /** Computing what is known already has to be worth it. */
    private static final double MARGIN = 1.1;

    /** What a step of a smaller model takes says nothing of the operations in it. */
    private static final long LEAST_PARAMETERS = 20_000_000;

    /**
     * @param tile tokens of one
     * @param mostTokens of a step
     */
    static AttentionTiles of(ModelInfo model, int tile, int mostTokens) {
        int layers = model.kv().map(kv -> kv.layers().size()).orElse(0);
        if (model.parameters() < LEAST_PARAMETERS || layers == 0 || mostTokens < tile) {
            return new AttentionTiles(1, 0);
        }
        double attention = 4.0 * layers * model.embeddingLength();
        return new AttentionTiles(tile, attention / (2.0 * model.parameters()));
    }

    /**
     * Whether a step of so few tokens takes longer than one of a whole tile.
     *
     * @param context tokens that each of them attends to
     */
    boolean worthFilling(int step, int context) {
        return step > 0
                && step < tokens
                && step * (1 + COST_APART * attention * context)
                        > MARGIN * tokens * (1 + COST_TILED * attention * context);
    }
}
