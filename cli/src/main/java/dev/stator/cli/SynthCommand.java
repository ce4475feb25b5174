package dev.stator.cli;

import dev.stator.models.Shape;
import dev.stator.models.Synth;
import dev.stator.models.SynthOptions;
import dev.stator.models.WeightType;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes a model of random weights. */
@Command(
        name = "synth",
        description = "Write a model of random weights with a known model's shape, for benchmarks.")
final class SynthCommand implements Callable<Integer> {
    private final Console console;

    @Parameters(paramLabel = "SHAPE", description = "e.g. llama-3.2-1b; 'model shapes' lists all")
    private String shape = "";

    @Option(
            names = "--type",
            paramLabel = "TYPE",
            description = "Q4_0, Q8_0 or F16 [${DEFAULT-VALUE}]",
            defaultValue = "Q4_0")
    private String type = "";

    @Option(
            names = "--tokenizer",
            paramLabel = "FILE",
            description = "a GGUF file whose tokenizer to copy [a placeholder]")
    private Optional<Path> tokenizer = Optional.empty();

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "where to write it [SHAPE-TYPE.gguf]")
    private Optional<Path> out = Optional.empty();

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "the same seed gives the same file [${DEFAULT-VALUE}]",
            defaultValue = "1")
    private long seed;

    SynthCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        var weights = WeightType.named(type);
        var target = out.orElseGet(() -> Path.of("%s-%s.gguf".formatted(shape, weights)));
        try (var progress = new ProgressLine(console)) {
            Synth.write(
                    new SynthOptions(Shape.named(shape), weights, target, tokenizer, seed),
                    progress);
        }
        console.out().println(target);
        return 0;
    }
}
