package dev.stator.cli;

import dev.stator.cluster.NodeServer;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Computes for the frontends of a cluster until a signal asks it to stop. */
@Command(
        name = "node",
        description =
                "Compute for the frontends of a cluster until SIGTERM or Ctrl-C; running answers are finished first, or go on at other nodes.",
        sortOptions = false,
        abbreviateSynopsis = true,
        footer = {
            "",
            "The first member of a cluster needs no --join; all others name one that is there, by its --cluster-port.",
            "Each flag can also stand in a YAML file ('name: value') or in the environment (STATOR_NAME)."
        })
final class NodeCommand implements Callable<Integer> {
    private final Console console;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    NodeCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws InterruptedException {
        var configuration = ServerFlags.configuration(spec, console.environment());
        var cluster = ClusterSettings.of(configuration);
        var role = configuration.get(Settings.ROLE);
        var patience = new Patience(console);
        var model = ModelSource.of(configuration, Distribution.current(), console);
        try (var engine = Server.engine(configuration, model, patience);
                var fabric =
                        Server.open(engine, Server.nodeOptions(configuration, engine), patience);
                var node =
                        patience.during(
                                "joining the cluster %s".formatted(cluster.cluster()),
                                () -> NodeServer.start(cluster, role, fabric, model.name()))) {
            var signals = StopSignals.listen();
            console.out()
                    .println(
                            "ready node=%s at %s:%d model=%s context=%d"
                                    .formatted(
                                            cluster.name(),
                                            cluster.host(),
                                            node.port(),
                                            model.name(),
                                            fabric.contextTokens()));
            console.out().flush();
            signals.awaitFirst();
            var most = configuration.get(Settings.DRAIN);
            console.note(
                    "stopping; answers that run longer than %d s go on at other nodes, a second signal stops at once"
                            .formatted(most.toSeconds()));
            node.drain(most);
        }
        return 0;
    }
}
