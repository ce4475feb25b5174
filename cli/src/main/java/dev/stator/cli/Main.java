package dev.stator.cli;

import dev.stator.api.ApiStartException;
import dev.stator.cache.CacheException;
import dev.stator.cluster.ClusterException;
import dev.stator.engine.EngineException;
import dev.stator.models.ModelFileException;
import dev.stator.sim.time.SetupException;
import dev.stator.sim.trace.TraceException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The {@code stator} command. */
public final class Main {
    private static final String DEBUG = "STATOR_DEBUG";

    private final Console console;
    private final Root root = new Root();

    private Main(Console console) {
        this.console = console;
    }

    @Command(
            name = "stator",
            description = "Serves language models so that no text is prefilled twice.",
            synopsisSubcommandLabel = "COMMAND",
            footer = {
                "",
                "The script also knows 'stator build', which builds what is out of date, and 'stator test',",
                "which runs all tests."
            },
            sortOptions = false,
            versionProvider = Version.class)
    private static final class Root implements Callable<Integer> {
        @Spec
        @SuppressWarnings("NullAway.Init")
        private CommandSpec spec;

        @Option(
                names = {"-h", "--help"},
                usageHelp = true,
                scope = ScopeType.INHERIT,
                description = "Show this help.")
        private boolean help;

        @Option(
                names = {"-V", "--version"},
                versionHelp = true,
                description = "Show the version.")
        private boolean version;

        @Option(
                names = {"-v", "--verbose"},
                scope = ScopeType.INHERIT,
                description = "Log more, and show where failures come from.")
        private boolean verbose;

        @Override
        public Integer call() {
            spec.commandLine().usage(spec.commandLine().getErr());
            return Refusal.MISUSED;
        }
    }

    public static void main(String[] arguments) {
        System.exit(run(Console.ofProcess(), arguments));
    }

    /**
     * @return the exit code: 0 done, 1 failed, 2 asked for wrongly
     */
    static int run(Console console, String... arguments) {
        return new Main(console).commandLine(List.of(arguments)).execute(arguments);
    }

    private CommandLine commandLine(List<String> arguments) {
        var line = new CommandLine(root);
        var commands = commands();
        // Setting a command up takes a noticeable part of a start: only the one that is meant is.
        var meant = arguments.stream().filter(commands::containsKey).findFirst();
        commands.forEach(
                (name, command) -> {
                    if (meant.isEmpty() || meant.get().equals(name)) {
                        line.addSubcommand(name, command.get());
                    }
                });
        return line.setOut(new PrintWriter(console.out(), true))
                .setErr(new PrintWriter(console.err(), true))
                .setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.AUTO))
                .setUsageHelpWidth(100)
                .setUsageHelpAutoWidth(true)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionStrategy(this::execute)
                .setParameterExceptionHandler((e, _) -> misused(e))
                .setExecutionExceptionHandler((e, _, _) -> failed(e));
    }

    private Map<String, Supplier<Object>> commands() {
        var commands = new LinkedHashMap<String, Supplier<Object>>();
        commands.put("up", () -> ServerFlags.addTo(specOf(new UpCommand(console)), Settings.UP));
        commands.put(
                "frontend",
                () -> ServerFlags.addTo(specOf(new FrontendCommand(console)), Settings.FRONTEND));
        commands.put(
                "node", () -> ServerFlags.addTo(specOf(new NodeCommand(console)), Settings.NODE));
        commands.put("status", () -> new StatusCommand(console));
        commands.put("chat", () -> new ChatCommand(console));
        commands.put("cache", () -> CacheCommand.commandLine(console));
        commands.put("docs", () -> DocsCommand.commandLine(console));
        commands.put("model", () -> ModelCommand.commandLine(console));
        commands.put("eval", () -> EvalCommand.commandLine(console));
        commands.put(
                "lint", () -> ServerFlags.addTo(specOf(new LintCommand(console)), Settings.UP));
        commands.put(
                "config",
                () -> ServerFlags.addTo(specOf(new ConfigCommand(console)), Settings.ALL));
        commands.put("plan", () -> new PlanCommand(console));
        commands.put("simulate", () -> new SimulateCommand(console));
        commands.put("warm-up", () -> new WarmUpCommand(console));
        commands.put(WorkerProcessCommand.NAME, WorkerProcessCommand::new);
        return commands;
    }

    private static CommandSpec specOf(Object command) {
        return CommandSpec.forAnnotatedObject(command);
    }

    private int execute(CommandLine.ParseResult parsed) {
        if (debug()) {
            Logging.verbose();
        }
        return new CommandLine.RunLast().execute(parsed);
    }

    private boolean debug() {
        return root.verbose || !console.environment().getOrDefault(DEBUG, "").isBlank();
    }

    private int misused(ParameterException e) {
        var command = e.getCommandLine();
        console.note(sentence(e));
        console.note("see '%s --help'".formatted(command.getCommandSpec().qualifiedName()));
        return Refusal.MISUSED;
    }

    private static String sentence(ParameterException e) {
        if (e instanceof UnmatchedArgumentException unmatched
                && !unmatched.getUnmatched().isEmpty()) {
            var word = unmatched.getUnmatched().getFirst();
            var command = e.getCommandLine();
            if (word.startsWith("-")) {
                var flag = word.split("=", 2)[0];
                return "unknown flag %s%s".formatted(flag, Nearest.hint(flag, flags(command)));
            }
            var names = command.getSubcommands().keySet();
            return names.isEmpty()
                    ? "unexpected argument '%s'".formatted(word)
                    : "unknown command '%s'%s".formatted(word, Nearest.hint(word, names));
        }
        return lowerFirst(String.valueOf(e.getMessage()));
    }

    private static List<String> flags(CommandLine command) {
        return command.getCommandSpec().options().stream()
                .filter(option -> !option.hidden())
                .map(CommandLine.Model.OptionSpec::longestName)
                .toList();
    }

    private int failed(Exception e) {
        if (debug()) {
            e.printStackTrace(console.err());
        }
        return switch (e) {
            case Refusal refusal -> {
                refusal.getMessage().lines().forEach(console::note);
                yield refusal.exitCode();
            }
            case SetupException setup -> misused(setup);
            case TraceException trace -> misused(trace);
            case EngineException _,
                    CacheException _,
                    ClusterException _,
                    ModelFileException _,
                    ApiStartException _ ->
                    told(String.valueOf(e.getMessage()));
            default -> told("%s; --verbose shows where it comes from".formatted(e));
        };
    }

    private int misused(RuntimeException e) {
        told(String.valueOf(e.getMessage()));
        return Refusal.MISUSED;
    }

    private int told(String sentence) {
        console.note(lowerFirst(sentence));
        return Refusal.FAILED;
    }

    private static String lowerFirst(String sentence) {
        boolean word = sentence.length() > 1 && Character.isLowerCase(sentence.charAt(1));
        return word ? Character.toLowerCase(sentence.charAt(0)) + sentence.substring(1) : sentence;
    }
}
