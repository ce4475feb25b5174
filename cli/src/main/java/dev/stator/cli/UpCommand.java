package dev.stator.cli;

import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Serves a model until a signal asks it to stop. */
@Command(
        name = "up",
        description = "Serve a model until SIGTERM or Ctrl-C; running answers are finished first.",
        sortOptions = false,
        abbreviateSynopsis = true,
        footer = {
            "",
            "Each flag can also stand in a YAML file ('name: value') or in the environment (STATOR_NAME).",
            "Flags go before the environment, that before the file. 'stator config' shows what results."
        })
final class UpCommand implements Callable<Integer> {
    private final Console console;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    UpCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws InterruptedException {
        var configuration = ServerFlags.configuration(spec, console.environment());
        try (var server = Server.start(configuration, console)) {
            var signals = StopSignals.listen();
            console.out().println(server.readyLine());
            console.out().flush();
            signals.awaitFirst();
            drain(server, configuration.get(Settings.DRAIN));
        }
        return 0;
    }

    private void drain(Server server, Duration most) {
        console.note(
                "stopping; running answers may take up to %d s, a second signal stops at once"
                        .formatted(most.toSeconds()));
        server.drain(most);
    }
}
