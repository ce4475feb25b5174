package dev.stator.engine.process;

import dev.stator.engine.llama.LlamaOptions;
import java.time.Duration;
import java.util.List;

/**
 * How to run the engine's processes.
 *
 * @param model what each of them loads
 * @param command starts one, given two more arguments; must end in {@link WorkerProcess#main}
 * @param silence a process that gives no sign of life for so long is frozen, and killed; one that
 *     merely computes for long gives them
 */
public record ProcessOptions(LlamaOptions model, List<String> command, Duration silence) {
    private static final Duration SILENCE = Duration.ofSeconds(5);

    public ProcessOptions {
        command = List.copyOf(command);
    }

    public static ProcessOptions of(LlamaOptions model, List<String> command) {
        return new ProcessOptions(model, command, SILENCE);
    }
}
