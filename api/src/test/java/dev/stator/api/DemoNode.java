package dev.stator.api;

import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.Platform;
import dev.stator.routing.Mode;
import dev.stator.serving.NodeFabric;
import dev.stator.serving.NodeOptions;
import java.nio.file.Path;
import java.util.function.UnaryOperator;

/** The demonstration model behind a real node, one worker of each kind. */
final class DemoNode implements AutoCloseable {
    private final LlamaEngine engine;
    private final NodeFabric fabric;

    DemoNode(Path folder) {
        this(folder, UnaryOperator.identity());
    }

    DemoNode(Path folder, UnaryOperator<NodeOptions> with) {
        engine =
                LlamaEngine.load(
                        LlamaOptions.of(
                                Path.of(System.getProperty("stator.demo")).resolve("model.gguf"),
                                Platform.libraries(Path.of(System.getProperty("stator.natives")))));
        fabric =
                NodeFabric.start(
                        engine,
                        with.apply(
                                new NodeOptions(
                                        Mode.AUTO, 1, 1, 2048, 4096, 8192, 32, 32, 512, 2, 15,
                                        64 << 20, folder, 64)));
    }

    NodeFabric fabric() {
        return fabric;
    }

    @Override
    public void close() {
        fabric.close();
        engine.close();
    }
}
