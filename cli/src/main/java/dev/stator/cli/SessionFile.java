package dev.stator.cli;

import dev.stator.sim.trace.SessionMix;
import java.nio.file.Path;
import java.util.OptionalInt;

/** A file that describes synthetic sessions; docs/simulator.md lists what can stand in it. */
final class SessionFile {
    private static final int BLOCK_TOKENS = 64;

    private SessionFile() {}

    /**
     * @throws Refusal if the file cannot be read or understood
     */
    static SessionMix read(Path path, OptionalInt blockTokens) {
        var file = YamlMapping.read("session", path);
        var mix =
                new SessionMix(
                        path.toString(),
                        blockTokens.orElse(BLOCK_TOKENS),
                        file.number("rate", 1e-9, 1),
                        file.whole("groups", 1, 1_000_000, 1),
                        file.whole("system-tokens", 0, 1 << 24, 1_000),
                        file.number("turns", 1, 5),
                        file.number("turn-tokens", 1, 200),
                        file.number("answer-tokens", 1, 300),
                        file.read("think-time", Span::parse)
                                .map(d -> d.toNanos() / 1e9)
                                .orElse(20.0),
                        file.whole("max-tokens", 16, 1 << 24, 32_768));
        file.end();
        return mix;
    }
}
