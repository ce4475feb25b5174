package dev.stator.cli;

import dev.stator.models.ModelReport;
import dev.stator.models.Pull;
import dev.stator.models.PullOptions;
import dev.stator.models.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Everything about model files. */
@Command(name = "model", description = "Fetch, look into and make model files.")
final class ModelCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    private ModelCommand() {}

    static CommandLine commandLine(Console console) {
        return new CommandLine(new ModelCommand())
                .addSubcommand(new PullCommand(console))
                .addSubcommand(new InspectCommand(console))
                .addSubcommand(new ListCommand(console))
                .addSubcommand(new SynthCommand(console))
                .addSubcommand(new ShapesCommand(console));
    }

    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getErr());
        return Refusal.MISUSED;
    }

    /** Fetches a model. */
    @Command(
            name = "pull",
            description = {
                "Fetch a model; a download that broke off goes on where it broke.",
                "HF_ENDPOINT names another hub, HF_TOKEN is sent to it."
            })
    static final class PullCommand implements Callable<Integer> {
        private final Console console;

        @Parameters(
                paramLabel = "hf:OWNER/REPO[:FILE]|URL",
                description = "what; FILE may also be a quantisation such as Q4_K_M")
        private String source = "";

        @Option(
                names = "--sha256",
                paramLabel = "HEX",
                description = "what the file must hash to [what the hub says]")
        private Optional<String> sha256 = Optional.empty();

        @Option(
                names = "--to",
                paramLabel = "FOLDER",
                description = "where to [STATOR_MODELS, else ~/.cache/stator/models]")
        private Optional<Path> folder = Optional.empty();

        PullCommand(Console console) {
            this.console = console;
        }

        @Override
        public Integer call() {
            var options = PullOptions.of(source, console.environment());
            options = folder.map(options::withFolder).orElse(options);
            options = sha256.map(options::withSha256).orElse(options);
            try (var progress = new ProgressLine(console)) {
                console.out().println(Pull.fetch(options, progress).model());
            }
            return 0;
        }
    }

    /** Tells what a model file says of itself. */
    @Command(
            name = "inspect",
            description =
                    "Show a model file's architecture, context, KV bytes per token and chat template.")
    static final class InspectCommand implements Callable<Integer> {
        private final Console console;

        @Parameters(paramLabel = "FILE", description = "a GGUF file")
        private Path file = Path.of("");

        @Option(names = "--json", description = "for programs")
        private boolean json;

        InspectCommand(Console console) {
            this.console = console;
        }

        @Override
        public Integer call() {
            var report = ModelReport.of(file);
            console.out().println((json ? report.json() : report.text()).stripTrailing());
            return 0;
        }
    }

    /** Lists what is pulled. */
    @Command(name = "list", description = "List the models that are pulled.")
    static final class ListCommand implements Callable<Integer> {
        private final Console console;

        ListCommand(Console console) {
            this.console = console;
        }

        @Override
        public Integer call() throws IOException {
            for (var file : pulled(PullOptions.cacheFolder(console.environment()))) {
                console.out().printf("%9s  %s%n", ByteSize.format(Files.size(file)), file);
            }
            return 0;
        }

        private static List<Path> pulled(Path folder) throws IOException {
            if (!Files.isDirectory(folder)) {
                return List.of();
            }
            try (var files = Files.walk(folder)) {
                return files.filter(file -> file.toString().endsWith(".gguf")).sorted().toList();
            }
        }
    }

    /** Lists what {@code synth} can make. */
    @Command(name = "shapes", description = "List the shapes that 'synth' knows.")
    static final class ShapesCommand implements Callable<Integer> {
        private final Console console;

        ShapesCommand(Console console) {
            this.console = console;
        }

        @Override
        public Integer call() {
            Shape.names().forEach(console.out()::println);
            return 0;
        }
    }
}
