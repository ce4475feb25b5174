package dev.stator.engine.llama;

import dev.stator.engine.EngineException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** This machine's name in the packages that carry llama.cpp's libraries, e.g. {@code linux-x64}. */
public final class Platform {
    private Platform() {}

    /**
     * @return the folder of this machine's libraries below {@code root}, where packages of several
     *     platforms may lie side by side as {@code <platform>/bins/<platform>} or {@code
     *     <platform>}
     * @throws EngineException if there is none
     */
    public static Path libraries(Path root) {
        for (var name : names(System.getProperty("os.name"), System.getProperty("os.arch"))) {
            for (var folder :
                    List.of(root.resolve(name).resolve("bins").resolve(name), root.resolve(name))) {
                if (Files.isDirectory(folder)) {
                    return folder;
                }
            }
        }
        throw new EngineException(
                "no llama.cpp libraries for %s %s under %s. Build Stator with npm on the PATH, or point STATOR_LLAMA_DIR at a build of %s"
                        .formatted(
                                System.getProperty("os.name"),
                                System.getProperty("os.arch"),
                                root,
                                Layouts.VERSION));
    }

    static List<String> names(String os, String architecture) {
        var machine = architecture.equals("aarch64") ? "arm64" : "x64";
        var system = os.toLowerCase(Locale.ROOT);
        if (system.startsWith("mac")) {
            return machine.equals("arm64") ? List.of("mac-arm64-metal") : List.of("mac-x64");
        }
        return List.of((system.startsWith("windows") ? "win-" : "linux-") + machine);
    }
}
