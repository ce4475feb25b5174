package dev.stator.cli;

import java.net.URI;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Which running server a command speaks to. */
final class ServerOptions {
    @Option(
            names = "--url",
            paramLabel = "URL",
            description = "the server [${DEFAULT-VALUE}]",
            defaultValue = "http://127.0.0.1:8000")
    private String url = "";

    @Option(
            names = "--api-key",
            paramLabel = "KEY",
            description = "where the server asks for one [the first of STATOR_API_KEY]")
    private Optional<String> apiKey = Optional.empty();

    /**
     * @throws Refusal if it is no address
     */
    URI url() {
        try {
            var address = URI.create(url);
            var scheme = String.valueOf(address.getScheme());
            if (address.getHost() != null && List.of("http", "https").contains(scheme)) {
                return address;
            }
        } catch (IllegalArgumentException _) {
            // Told below.
        }
        throw Refusal.misused(
                "'%s' is no address of a server; write one like http://127.0.0.1:8000"
                        .formatted(url));
    }

    Optional<String> key(Console console) {
        return apiKey.or(
                () ->
                        Optional.ofNullable(console.environment().get(Settings.API_KEYS.variable()))
                                .map(keys -> keys.split(",", 2)[0].strip())
                                .filter(first -> !first.isEmpty()));
    }
}
