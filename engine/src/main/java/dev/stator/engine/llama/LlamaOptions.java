package dev.stator.engine.llama;

import java.nio.file.Path;
import java.util.List;

/**
 * How to load a model.
 *
 * @param model a GGUF file
 * @param libraries the folder that holds libllama, libggml and the backends
 * @param gpuLayers layers to keep on GPUs; negative is all
 * @param devices names of the devices to use, e.g. {@code CUDA0}; empty is all that the build has
 * @param kvType element type of the KV cache: {@code f16}, {@code bf16}, {@code f32}, {@code q8_0}
 */
public record LlamaOptions(
        Path model, Path libraries, int gpuLayers, List<String> devices, String kvType) {
    public LlamaOptions {
        devices = List.copyOf(devices);
    }

    public static LlamaOptions of(Path model, Path libraries) {
        return new LlamaOptions(model, libraries, 0, List.of(), "f16");
    }
}
