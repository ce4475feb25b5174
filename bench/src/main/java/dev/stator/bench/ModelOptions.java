package dev.stator.bench;

import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.Platform;
import dev.stator.engine.process.JavaCommand;
import dev.stator.engine.process.ProcessEngine;
import dev.stator.engine.process.ProcessOptions;
import dev.stator.engine.process.WorkerProcess;
import dev.stator.models.Progress;
import dev.stator.models.Shape;
import dev.stator.models.Synth;
import dev.stator.models.SynthOptions;
import dev.stator.models.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Which model a benchmark loads, and with how many threads. */
final class ModelOptions {
    private static final String SHAPE = "llama-3.2-1b";
    private static final String TYPE = "Q4_0";

    @Option(
            names = "--model",
            description = {
                "A GGUF file (default: random weights in the shape of llama-3.2-1b, Q4_0,",
                "made once in $STATOR_BENCH_MODELS or bench/target/models)."
            })
    private Optional<Path> model = Optional.empty();

    @Option(
            names = "--threads",
            description = "Cores that Stator and the reference may use (default: all).")
    private int threads = Runtime.getRuntime().availableProcessors();

    int threads() {
        return threads;
    }

    Path file() {
        var file = model.orElseGet(ModelOptions::synthetic);
        if (!Files.isReadable(file)) {
            throw new BenchException("no readable model at " + file.toAbsolutePath());
        }
        return file.toAbsolutePath();
    }

    Path libraries() {
        return Optional.ofNullable(System.getenv("STATOR_LLAMA_DIR"))
                .map(Path::of)
                .orElseGet(
                        () ->
                                Platform.libraries(
                                        Bench.root()
                                                .resolve("engine/natives/node_modules")
                                                .resolve("@node-llama-cpp")));
    }

    LlamaEngine load() {
        return LlamaEngine.load(LlamaOptions.of(file(), libraries()));
    }

    /** The same, with each worker's engine in a process of its own. */
    ProcessEngine loadIsolated() {
        return ProcessEngine.load(
                ProcessOptions.of(
                        LlamaOptions.of(file(), libraries()),
                        JavaCommand.running(WorkerProcess.class)));
    }

    String describe() {
        return "model %s, KV f16, flash attention, threads %d"
                .formatted(file().getFileName(), threads);
    }

    private static Path synthetic() {
        var folder =
                Optional.ofNullable(System.getenv("STATOR_BENCH_MODELS"))
                        .map(Path::of)
                        .orElseGet(() -> Bench.root().resolve("bench/target/models"));
        var file = folder.resolve(SHAPE + "-" + TYPE.toLowerCase(Locale.ROOT) + ".gguf");
        if (!Files.exists(file)) {
            System.err.println("making " + file + " (once)");
            try {
                Files.createDirectories(folder);
            } catch (IOException e) {
                throw new BenchException("cannot make the folder " + folder, e);
            }
            Synth.write(
                    new SynthOptions(
                            Shape.named(SHAPE), WeightType.named(TYPE), file, Optional.empty(), 1),
                    Progress.NONE);
        }
        return file;
    }
}
