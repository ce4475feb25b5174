package dev.stator.cli;

import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/**
 * Serves itself a short conversation and ends: a run from which the script lets the JVM learn which
 * classes a start needs.
 */
@Command(name = "warm-up", hidden = true)
final class WarmUpCommand implements Callable<Integer> {
    private static final List<String> QUESTIONS =
            List.of("[doc 1] Stator\nStator is run by you. Question: Who runs Stator?", "When?");

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
            var chat = new Chat(client, "", Optional.of("Answer from the documents only."));
            for (var question : QUESTIONS) {
                console.err().println(chat.ask(question, _ -> {}).account());
            }
            server.drain(configuration.get(Settings.DRAIN));
        }
        return 0;
    }

    private static ChatClient.Target target(String url) {
        return new ChatClient.Target(
                URI.create(url), Optional.empty(), "default", Optional.of(8), Optional.empty());
    }
}
