package dev.stator.engine.llama;

import dev.stator.engine.EngineException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Element types of a KV cache, with their numbers in ggml.h. */
enum KvType {
    F32(0),
    F16(1),
    Q8_0(8),
    BF16(30);

    final int number;

    KvType(int number) {
        this.number = number;
    }

    static KvType named(String name) {
        return Arrays.stream(values())
                .filter(type -> type.label().equals(name.toLowerCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(
                        () ->
                                new EngineException(
                                        "unknown KV type '%s'; known are %s"
                                                .formatted(
                                                        name,
                                                        Arrays.stream(values())
                                                                .map(KvType::label)
                                                                .collect(
                                                                        Collectors.joining(
                                                                                ", ")))));
    }

    /**
     * Bytes of an element.
     *
     * @throws IllegalStateException for a type whose elements share bytes
     */
    int bytes() {
        return switch (this) {
            case F32 -> 4;
            case F16, BF16 -> 2;
            case Q8_0 -> throw new IllegalStateException("elements of q8_0 come in blocks");
        };
    }

    /**
     * An element at an offset in bytes.
     *
     * @throws IllegalStateException for types that are not read here
     */
    float element(MemorySegment segment, long at) {
        return switch (this) {
            case F32 -> segment.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at);
            case F16 -> Float.float16ToFloat(segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
            case BF16, Q8_0 -> throw new IllegalStateException("elements of " + label());
        };
    }

    /** Whether ggml's processors attend to it in tiles; to other types they do token by token. */
    boolean attendsInTiles() {
        return this == F16 || this == F32;
    }

    String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
