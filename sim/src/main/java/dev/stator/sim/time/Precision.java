package dev.stator.sim.time;

/**
 * How a model's numbers are kept and multiplied. Embeddings and the output matrix are kept in 16
 * bits in all of them.
 *
 * @param weightBytes bytes per parameter of attention and dense layers, scales included
 * @param expertBytes bytes per parameter of experts, scales included
 * @param kvBytes bytes per element of K and V
 * @param arithmetic what weights are multiplied in
 */
public record Precision(
        String name,
        double weightBytes,
        double expertBytes,
        double kvBytes,
        Format arithmetic,
        String source) {}
