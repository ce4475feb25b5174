package dev.stator.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * Prints what {@code up} would use and where each value comes from, as a file for {@code --config}.
 */
@Command(
        name = "config",
        sortOptions = false,
        abbreviateSynopsis = true,
        description =
                "Show the settings that 'up' would use with the same flags, and where they come from.")
final class ConfigCommand implements Callable<Integer> {
    private final Console console;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    ConfigCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        var configuration = ServerFlags.configuration(spec, console.environment());
        for (var setting : Settings.ALL) {
            console.out().println(line(configuration, setting));
        }
        return 0;
    }

    /** What is derived later or secret cannot be written down and is a comment. */
    private static String line(Configuration configuration, Setting<?> setting) {
        var origin = configuration.origin(setting);
        var line = "%s: %s".formatted(setting.name(), configuration.shown(setting));
        if (origin.equals(Configuration.DEFAULT) && setting.fallback().isEmpty()) {
            return "# " + line;
        }
        return "%-40s # %s".formatted(setting.secret() ? "# " + line : line, origin);
    }
}
