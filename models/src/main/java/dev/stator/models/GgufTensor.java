package dev.stator.models;

import java.util.List;

/**
 * Where and how a tensor is stored.
 *
 * @param dimensions 1 to 4, the contiguous one first
 * @param offset from the start of the data section
 * @param bytes its size in the file, without padding
 */
public record GgufTensor(
        String name, GgmlType type, List<Long> dimensions, long offset, long bytes) {
    public GgufTensor {
        dimensions = List.copyOf(dimensions);
    }

    public long elements() {
        return dimensions.stream().reduce(1L, Math::multiplyExact);
    }
}
