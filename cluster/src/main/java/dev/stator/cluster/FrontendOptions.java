package dev.stator.cluster;

import dev.stator.routing.Mode;
import dev.stator.routing.Policy;
import dev.stator.routing.queue.QueueOptions;
import java.time.Duration;

/**
 * How a frontend treats requests and nodes.
 *
 * @param policy how nodes are chosen
 * @param mode whether one node computes a prompt and another answers; {@link Mode#AUTO} thinks of
 *     it where some node does nothing but prefill
 * @param contextTokens the most tokens of prompt and answer together; nodes must have as many
 * @param blockTokens tokens of a block; nodes must have the same
 * @param queue how requests wait for a node
 * @param nodeTimeout a node that has said nothing for so long is lost; after a third of it no new
 *     work goes there
 * @param retries how often an answer goes on elsewhere after its node was lost
 * @param patience how long requests wait for a node while there is none
 */
public record FrontendOptions(
        Policy policy,
        Mode mode,
        int contextTokens,
        int blockTokens,
        QueueOptions queue,
        Duration nodeTimeout,
        int retries,
        Duration patience) {
    public FrontendOptions {
        require(contextTokens >= 16, "context must be at least 16 tokens");
        require(blockTokens >= 1, "block-tokens must be at least 1");
        require(
                nodeTimeout.compareTo(Duration.ofMillis(500)) >= 0,
                "node-timeout-ms must be at least 500, as nodes speak five times a second");
        require(retries >= 0, "migration-retries must not be negative");
        require(patience.isPositive(), "the patience without nodes must be positive");
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
