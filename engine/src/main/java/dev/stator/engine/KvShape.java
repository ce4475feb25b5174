package dev.stator.engine;

import java.util.List;

/**
 * The bytes of one token's KV.
 *
 * <p>The KV of n tokens in Stator's neutral layout, little-endian, is for each layer {@code n} K
 * rows, then for each layer {@code n} V rows. Rows are what the engine computes with: K already
 * rotated to its position.
 *
 * @param type the engine's name of the element type, e.g. {@code f16}
 */
public record KvShape(String type, List<Layer> layers) {
    /**
     * @param keyBytes bytes of one token's K row in this layer
     * @param valueBytes bytes of one token's V row in this layer
     */
    public record Layer(int keyBytes, int valueBytes) {}

    public KvShape {
        layers = List.copyOf(layers);
    }

    public int bytesPerToken() {
        return layers.stream().mapToInt(layer -> layer.keyBytes + layer.valueBytes).sum();
    }
}
