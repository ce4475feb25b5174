package dev.stator.sim.trace;

import java.nio.file.Path;
import java.util.List;

/**
 * A prompt of a retrieval service by its parts.
 *
 * @param system parts of the system prompt
 * @param passages that were retrieved, in the order of the retriever
 * @param rest what follows: history, web pages, the question
 */
public record RagPrompt(List<Part> system, List<Part> passages, List<Part> rest) {
    /**
     * A text that the trace does not tell.
     *
     * @param id the same for the same text
     */
    public record Part(long id, int tokens) {}

    public RagPrompt {
        system = List.copyOf(system);
        passages = List.copyOf(passages);
        rest = List.copyOf(rest);
    }

    /**
     * The prompts of RAGPulse's trace, in the order in which they came.
     *
     * @param trace its {@code 0_trace.jsonl}, with the files of lengths beside it
     * @throws TraceException naming file and line if it cannot be read or understood
     */
    public static List<RagPrompt> ofRagPulse(Path trace) {
        return RagPulseReader.prompts(trace);
    }
}
