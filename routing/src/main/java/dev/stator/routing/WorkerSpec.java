package dev.stator.routing;

/**
 * What does not change about a worker.
 *
 * @param id unique in the fleet
 * @param node the node whose host and disk tiers it reads in place
 * @param kind workers of one kind (model, engine and hardware) are expected to be equally fast; the
 *     router learns speeds per kind and a correction per worker
 * @param role DECODE workers prefill for themselves too in an aggregated plan
 * @param maxRunning requests that it takes in at once
 * @param kvTokens tokens that fit into its device tier
 * @param stepTokens prompt tokens in one step at most
 * @param mixedStepTokens prompt tokens at most in a step that also generates
 */
public record WorkerSpec(
        String id,
        String node,
        String kind,
        WorkerRole role,
        int maxRunning,
        long kvTokens,
        int stepTokens,
        int mixedStepTokens) {
    public WorkerSpec {
        require(maxRunning >= 1, id, "maxRunning must be at least 1, is " + maxRunning);
        require(kvTokens >= 1, id, "kvTokens must be at least 1, is " + kvTokens);
        require(
                mixedStepTokens >= 1 && mixedStepTokens <= stepTokens,
                id,
                "mixedStepTokens must be between 1 and stepTokens (%d), is %d"
                        .formatted(stepTokens, mixedStepTokens));
    }

    /** A worker whose steps take as many prompt tokens beside answers as without. */
    public WorkerSpec(
            String id,
            String node,
            String kind,
            WorkerRole role,
            int maxRunning,
            long kvTokens,
            int stepTokens) {
        this(id, node, kind, role, maxRunning, kvTokens, stepTokens, stepTokens);
    }

    private static void require(boolean condition, String id, String message) {
        if (!condition) {
            throw new IllegalArgumentException("worker %s: %s".formatted(id, message));
        }
    }
}
