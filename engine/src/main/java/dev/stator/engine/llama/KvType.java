package dev.stator.engine.llama;

import dev.stator.engine.EngineException;
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

    String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
