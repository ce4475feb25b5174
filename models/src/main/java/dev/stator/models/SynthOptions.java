package dev.stator.models;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What to synthesise.
 *
 * @param tokenizer a GGUF file whose tokenizer to copy; its vocabulary then sets the model's.
 *     Empty: a byte-level placeholder of the shape's own size
 * @param seed the same seed gives the same file, byte for byte
 */
public record SynthOptions(
        Shape shape, WeightType type, Path target, Optional<Path> tokenizer, long seed) {}
