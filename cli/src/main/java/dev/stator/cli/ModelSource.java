package dev.stator.cli;

import dev.stator.models.GgufFile;
import dev.stator.models.Pull;
import dev.stator.models.PullOptions;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * The model to serve.
 *
 * @param name what the API calls it
 */
record ModelSource(Path file, String name) {
    private static final String DEMO_NAME = "docqa-demo";
    private static final String ENDING = ".gguf";

    /**
     * Finds the file, pulling it where it is remote and not here yet. Its head is checked, so that
     * native code need not be trusted to do that.
     *
     * @throws dev.stator.models.ModelFileException if it cannot be had or is damaged
     */
    static ModelSource of(Configuration configuration, Distribution distribution, Console console) {
        var asked = configuration.find(Settings.MODEL);
        var file =
                asked.map(model -> isRemote(model) ? pull(model, console) : Path.of(model))
                        .orElseGet(distribution::demoModel);
        var usual = asked.isEmpty() ? DEMO_NAME : stem(file);
        GgufFile.read(file);
        return new ModelSource(file, configuration.find(Settings.ALIAS).orElse(usual));
    }

    private static boolean isRemote(String model) {
        return Stream.of("hf:", "https://", "http://").anyMatch(model::startsWith);
    }

    private static Path pull(String model, Console console) {
        try (var progress = new ProgressLine(console)) {
            return Pull.fetch(PullOptions.of(model, console.environment()), progress).model();
        }
    }

    private static String stem(Path file) {
        var name = String.valueOf(file.getFileName());
        return name.endsWith(ENDING) ? name.substring(0, name.length() - ENDING.length()) : name;
    }
}
