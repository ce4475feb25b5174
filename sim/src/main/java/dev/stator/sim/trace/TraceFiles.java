package dev.stator.sim.trace;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/** Opens recorded traces and tells their formats apart. */
public final class TraceFiles {
    private TraceFiles() {}

    /**
     * Reads a trace. The format follows from the file: {@code .csv} is Azure's, {@code .jsonl} is
     * RAGPulse's if its hash ids have kinds and Mooncake's otherwise; a folder is RAGPulse's.
     *
     * @param blockTokens tokens per block; empty for what suits the format
     * @param most requests to read at most
     * @throws TraceException naming file and line if the trace cannot be read or understood
     */
    public static Recorded open(Path file, OptionalInt blockTokens, int most) {
        var name = String.valueOf(file.getFileName());
        if (Files.isDirectory(file)) {
            return RagPulseReader.read(file.resolve(RagPulseReader.TRACE), blockTokens, most);
        }
        if (name.endsWith(".csv")) {
            return AzureReader.read(file, blockTokens, most);
        }
        if (name.endsWith(".jsonl") || name.endsWith(".json")) {
            return firstLine(file).filter(RagPulseReader::canRead).isPresent()
                    ? RagPulseReader.read(file, blockTokens, most)
                    : MooncakeReader.read(file, blockTokens, most);
        }
        throw new TraceException(
                "%s is no known kind of trace: use .jsonl (Mooncake, RAGPulse) or .csv (Azure)"
                        .formatted(file));
    }

    private static Optional<String> firstLine(Path file) {
        try (var lines = new TraceLines(file)) {
            return lines.next();
        }
    }
}
