package dev.stator.cli;

import dev.stator.engine.llama.Platform;
import java.nio.file.Path;

/**
 * The folder that the build assembles: jars, llama.cpp's libraries, the demonstration model.
 *
 * @param home its path
 */
record Distribution(Path home) {
    /** Set by the {@code stator} script. */
    private static final String HOME = "stator.home";

    /**
     * @throws Refusal if the command was not started by its script
     */
    static Distribution current() {
        var home = System.getProperty(HOME);
        if (home == null) {
            throw Refusal.failed("start Stator with its script ./stator, not with java itself");
        }
        return new Distribution(Path.of(home));
    }

    Path demoModel() {
        return home.resolve("demo").resolve("model.gguf");
    }

    /**
     * @throws dev.stator.engine.EngineException if there are none for this machine
     */
    Path libraries() {
        return Platform.libraries(home.resolve("natives"));
    }
}
