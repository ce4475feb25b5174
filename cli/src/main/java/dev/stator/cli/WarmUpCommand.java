package dev.stator.cli;

import dev.stator.api.ApiServer;
import dev.stator.cluster.ClusterEntry;
import dev.stator.cluster.ClusterKey;
import dev.stator.cluster.ClusterOptions;
import dev.stator.cluster.NodeServer;
import dev.stator.engine.llama.LlamaVocabulary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/**
 * Serves itself a short conversation, alone and then as a cluster of one node, and ends: a run from
 * which the script lets the JVM learn which classes a start needs.
 */
@Command(name = "warm-up", hidden = true)
final class WarmUpCommand implements Callable<Integer> {
    private static final List<String> QUESTIONS =
            List.of("[doc 1] Stator\nStator is run by you. Question: Who runs Stator?", "When?");

    private static final String LOOPBACK = "127.0.0.1";
    private static final int KEY_BYTES = 32;

    private final Console console;

    WarmUpCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        // What the user chose must not matter: it may need a GPU, a large model, a busy port.
        var configuration =
                Configuration.merge(
                        Map.of(
                                Settings.PORT, List.of("0"),
                                Settings.HOST_CACHE, List.of("16MiB")),
                        Map.of(),
                        Optional.empty());
        try (var server = Server.start(configuration, console);
                var client = new ChatClient(target(server.url()))) {
            StopSignals.listen();
            console.out().println(server.readyLine());
            talk(client);
            server.drain(configuration.get(Settings.DRAIN));
        }
        try {
            talkToCluster(configuration);
        } catch (RuntimeException e) {
            // What was learnt before is worth keeping.
            console.note("the cluster is left out: " + e.getMessage());
        }
        return 0;
    }

    private void talk(ChatClient client) {
        var chat = new Chat(client, "", Optional.of("Answer from the documents only."));
        for (var question : QUESTIONS) {
            console.err().println(chat.ask(question, _ -> {}).account());
        }
    }

    /** With a key, so that it is learnt how members trust each other. */
    private void talkToCluster(Configuration configuration) {
        var patience = new Patience(console);
        var model = ModelSource.of(configuration, Distribution.current(), console);
        byte[] secret = new byte[KEY_BYTES];
        new SecureRandom().nextBytes(secret);
        var key = ClusterKey.of(secret);
        int port = freePort();
        try (var engine = Server.engine(configuration, model, patience);
                var fabric =
                        Server.open(engine, Server.nodeOptions(configuration, engine), patience);
                var _ =
                        NodeServer.start(
                                member("node", port, key, List.of()), fabric, model.name());
                var entry =
                        ClusterEntry.begin(
                                member(
                                        "frontend",
                                        freePort(),
                                        key,
                                        List.of(LOOPBACK + ":" + port)));
                var vocabulary = LlamaVocabulary.load(Server.llamaOptions(configuration, model));
                var frontend = FrontendCommand.fabric(configuration, entry, vocabulary);
                var api =
                        ApiServer.start(
                                FrontendCommand.apiOptions(configuration, model, vocabulary),
                                frontend);
                var client = new ChatClient(target(Server.url(LOOPBACK, api.port())))) {
            entry.await();
            talk(client);
            api.drain(configuration.get(Settings.DRAIN));
        }
    }

    private static ClusterOptions member(String name, int port, ClusterKey key, List<String> join) {
        return new ClusterOptions(
                "warm-up", name, Version.current(), LOOPBACK, port, 0, 0, join, Optional.of(key));
    }

    private static int freePort() {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ChatClient.Target target(String url) {
        return new ChatClient.Target(
                URI.create(url), Optional.empty(), "default", Optional.of(8), Optional.empty());
    }
}
