package dev.stator.serving;

import dev.stator.engine.SamplingOptions;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.Platform;
import dev.stator.routing.Mode;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** The demonstration model and nodes of several shapes over it. */
final class DemoNode {
    static final Path DEMO = Path.of(System.getProperty("stator.demo"));
    static final long MIB = 1 << 20;

    private DemoNode() {}

    static LlamaEngine engine() {
        return LlamaEngine.load(
                LlamaOptions.of(
                        DEMO.resolve("model.gguf"),
                        Platform.libraries(Path.of(System.getProperty("stator.natives")))));
    }

    static NodeOptions options(Mode mode, int prefill, int decode, long hostBytes, Path folder) {
        return new NodeOptions(
                mode, prefill, decode, 2048, 4096, 8192, 32, 32, 512, 2, 15, hostBytes, folder, 64);
    }

    static GenerationRequest request(int[] prompt, int maxTokens) {
        return new GenerationRequest(
                "test", prompt, maxTokens, SamplingOptions.GREEDY, List.of(), Set.of(), false, "");
    }
}
