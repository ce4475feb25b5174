package dev.stator.serving;

import dev.stator.routing.PredictionError;
import dev.stator.routing.Stage;
import dev.stator.routing.queue.QueueState;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Counters and gauges at one moment; counters count from the start of the process.
 *
 * @param queue requests that wait for a worker, and how many were shed
 * @param promptTokensBySource counter by source, as in {@link Account}
 * @param cache gauges and counters of the host tier by name, e.g. {@code blocks}, {@code
 *     bytes_capacity}, {@code evictions}
 * @param disk the same of the disk tier; empty if there is none
 * @param remote the same of the remote tier
 * @param splicing counters: {@code tokens} spliced, requests that their guard {@code guard_passed}
 *     or {@code guard_doubted}, audits by outcome, {@code breaker_openings}, and requests that
 *     audits {@code forbidden} to be spliced
 * @param predictionErrors how far the router's predictions were off lately, for stages of which
 *     there was a first token
 */
public record FabricStats(
        QueueState queue,
        int queueCapacity,
        List<Worker> workers,
        Map<String, Long> promptTokensBySource,
        long generatedTokens,
        Map<String, Long> cache,
        Map<String, Double> disk,
        Map<String, Double> remote,
        Map<String, Long> splicing,
        Map<Stage, PredictionError> predictionErrors) {
    /**
     * @param role {@code prefill} or {@code decode}
     * @param cellsUsed KV cells in use by running sequences
     * @param cellsResident KV cells kept for reuse after their request
     * @param process that computes for it; empty if it is the node's, or while it has none
     * @param losses how often such a process was lost
     */
    public record Worker(
            String id,
            String role,
            int running,
            int waiting,
            int cells,
            int cellsUsed,
            int cellsResident,
            long steps,
            long computedTokens,
            long bytesImported,
            long bytesExported,
            OptionalLong process,
            long losses) {
        /** One whose engine is in the node's process. */
        public Worker(
                String id,
                String role,
                int running,
                int waiting,
                int cells,
                int cellsUsed,
                int cellsResident,
                long steps,
                long computedTokens,
                long bytesImported,
                long bytesExported) {
            this(
                    id,
                    role,
                    running,
                    waiting,
                    cells,
                    cellsUsed,
                    cellsResident,
                    steps,
                    computedTokens,
                    bytesImported,
                    bytesExported,
                    OptionalLong.empty(),
                    0);
        }
    }
}
