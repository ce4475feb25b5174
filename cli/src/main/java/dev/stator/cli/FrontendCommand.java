package dev.stator.cli;

import dev.stator.api.ApiOptions;
import dev.stator.api.ApiServer;
import dev.stator.cluster.ClusterEntry;
import dev.stator.cluster.ClusterFabric;
import dev.stator.cluster.FrontendOptions;
import dev.stator.engine.ModelInfo;
import dev.stator.engine.llama.LlamaVocabulary;
import dev.stator.serving.CacheCodec;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Serves what the nodes of a cluster compute, until a signal asks it to stop. */
@Command(
        name = "frontend",
        description =
                "Serve the API with the nodes of a cluster until SIGTERM or Ctrl-C. It loads the model's vocabulary, not its weights.",
        sortOptions = false,
        abbreviateSynopsis = true,
        footer = {
            "",
            "Model file, --kv-type, --block-tokens and --context must be those of the nodes; nodes that differ are refused.",
            "Each flag can also stand in a YAML file ('name: value') or in the environment (STATOR_NAME)."
        })
final class FrontendCommand implements Callable<Integer> {
    private final Console console;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    FrontendCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws InterruptedException {
        var configuration = ServerFlags.configuration(spec, console.environment());
        var cluster = ClusterSettings.of(configuration);
        Server.requireFreePort(configuration);
        var model = ModelSource.of(configuration, Distribution.current(), console);
        // It joins while all else starts.
        try (var entry = ClusterEntry.begin(cluster);
                var vocabulary = LlamaVocabulary.load(Server.llamaOptions(configuration, model));
                var fabric = fabric(configuration, entry, vocabulary);
                var api = ApiServer.start(apiOptions(configuration, model, vocabulary), fabric)) {
            new Patience(console)
                    .during(
                            "joining the cluster %s".formatted(cluster.cluster()),
                            () -> {
                                entry.await();
                                return cluster;
                            });
            var signals = StopSignals.listen();
            console.out()
                    .println(
                            "ready %s frontend=%s model=%s context=%d"
                                    .formatted(
                                            Server.url(
                                                    configuration.get(Settings.HOST), api.port()),
                                            cluster.name(),
                                            model.name(),
                                            fabric.contextTokens()));
            console.out().flush();
            signals.awaitFirst();
            var most = configuration.get(Settings.DRAIN);
            console.note(
                    "stopping; running answers may take up to %d s, a second signal stops at once"
                            .formatted(most.toSeconds()));
            api.drain(most);
        }
        return 0;
    }

    static ClusterFabric fabric(
            Configuration configuration, ClusterEntry entry, LlamaVocabulary vocabulary) {
        return entry.fabric(
                options(configuration, vocabulary.model()),
                CacheCodec.known(
                        vocabulary.model(),
                        List.of(
                                configuration.get(Settings.DISK_CACHE_CODEC),
                                configuration.get(Settings.REMOTE_CACHE_CODEC))),
                vocabulary.tokenizer());
    }

    /** Whether the engine can splice is the nodes' to say, when a request wants it. */
    static ApiOptions apiOptions(
            Configuration configuration, ModelSource model, LlamaVocabulary vocabulary) {
        var splicing = Server.splicing(configuration, model, vocabulary.model().fingerprint());
        Server.requireUsualReuse(configuration, splicing, Optional::empty);
        return Server.checked(
                () -> Server.apiOptions(configuration, model.name()).withSplicing(splicing));
    }

    private static FrontendOptions options(Configuration configuration, ModelInfo model) {
        return Server.checked(
                () ->
                        new FrontendOptions(
                                configuration.get(Settings.ROUTER_POLICY),
                                configuration.get(Settings.MODE),
                                NodeSizing.usualContext(configuration, model),
                                configuration.get(Settings.BLOCK_TOKENS),
                                NodeSizing.queue(configuration),
                                configuration.get(Settings.NODE_TIMEOUT),
                                configuration.get(Settings.MIGRATION_RETRIES),
                                configuration.get(Settings.NODE_PATIENCE)));
    }
}
