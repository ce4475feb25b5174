package dev.stator.serving;

import dev.stator.cache.remote.SharedKey;
import dev.stator.routing.Mode;
import dev.stator.routing.Policy;
import dev.stator.routing.queue.QueueOptions;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The size and shape of one node.
 *
 * @param policy how the router chooses workers
 * @param prefillWorkers 0 makes every request aggregated
 * @param decodeWorkers at least 1
 * @param contextTokens the most tokens of prompt and answer together
 * @param prefillCells KV cells of each prefill worker, at least {@code contextTokens}
 * @param decodeCells KV cells of each decode worker, at least {@code contextTokens}
 * @param running the most answers that one decode worker generates at once
 * @param blockTokens tokens of a block
 * @param stepTokens the most prompt tokens of one step
 * @param threads cores that all workers share
 * @param slowdownPercent by how much prompts may slow running answers down where both want the same
 *     cores
 * @param hostCacheBytes capacity of the host tier; 0 turns the cache off
 * @param hostCacheFolder where the host tier's file is made
 * @param queue how requests wait; see {@link ServiceClass#queue(int)}
 * @param diskCache the disk tier, if there is to be one
 * @param remoteCache the remote tier, if there is to be one
 * @param fileKey what exported prefixes are encrypted with; empty if none may be
 * @param auditShare part of the spliced requests whose answers are compared with exact ones, off
 *     their way
 */
public record NodeOptions(
        Mode mode,
        Policy policy,
        int prefillWorkers,
        int decodeWorkers,
        int contextTokens,
        int prefillCells,
        int decodeCells,
        int running,
        int blockTokens,
        int stepTokens,
        int threads,
        int slowdownPercent,
        long hostCacheBytes,
        Path hostCacheFolder,
        QueueOptions queue,
        Optional<DiskCache> diskCache,
        Optional<RemoteCache> remoteCache,
        Optional<SharedKey> fileKey,
        double auditShare) {
    public NodeOptions {
        require(prefillWorkers >= 0, "prefill-workers must not be negative");
        require(decodeWorkers >= 1, "decode-workers must be at least 1");
        require(contextTokens >= 16, "context must be at least 16 tokens");
        require(
                prefillWorkers == 0 || prefillCells >= contextTokens,
                "prefill-cells must hold at least one context");
        require(decodeCells >= contextTokens, "decode-cells must hold at least one context");
        require(running >= 1 && running <= 128, "max-running must be between 1 and 128");
        require(blockTokens >= 1, "block-tokens must be at least 1");
        require(stepTokens >= running, "step-tokens must be at least max-running");
        require(threads >= 1, "threads must be at least 1");
        require(slowdownPercent >= 1, "answer-slowdown must be at least 1 percent");
        require(auditShare >= 0 && auditShare <= 1, "audit-share must lie between 0 and 1");
        require(
                diskCache.isEmpty() || hostCacheBytes > 0,
                "disk-cache needs the host tier, which host-cache 0 turns off");
        require(
                remoteCache.isEmpty() || hostCacheBytes > 0,
                "remote-cache needs the host tier, which host-cache 0 turns off");
    }

    /**
     * A router that predicts, no disk and no remote tier.
     *
     * @param maxQueue requests that may wait; one more is shed
     */
    public NodeOptions(
            Mode mode,
            int prefillWorkers,
            int decodeWorkers,
            int contextTokens,
            int prefillCells,
            int decodeCells,
            int running,
            int blockTokens,
            int stepTokens,
            int threads,
            int slowdownPercent,
            long hostCacheBytes,
            Path hostCacheFolder,
            int maxQueue) {
        this(
                mode,
                Policy.PREDICTED,
                prefillWorkers,
                decodeWorkers,
                contextTokens,
                prefillCells,
                decodeCells,
                running,
                blockTokens,
                stepTokens,
                threads,
                slowdownPercent,
                hostCacheBytes,
                hostCacheFolder,
                ServiceClass.queue(maxQueue),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                0);
    }

    public NodeOptions withDiskCache(DiskCache cache) {
        return new NodeOptions(
                mode,
                policy,
                prefillWorkers,
                decodeWorkers,
                contextTokens,
                prefillCells,
                decodeCells,
                running,
                blockTokens,
                stepTokens,
                threads,
                slowdownPercent,
                hostCacheBytes,
                hostCacheFolder,
                queue,
                Optional.of(cache),
                remoteCache,
                fileKey,
                auditShare);
    }

    public NodeOptions withRemoteCache(RemoteCache cache) {
        return new NodeOptions(
                mode,
                policy,
                prefillWorkers,
                decodeWorkers,
                contextTokens,
                prefillCells,
                decodeCells,
                running,
                blockTokens,
                stepTokens,
                threads,
                slowdownPercent,
                hostCacheBytes,
                hostCacheFolder,
                queue,
                diskCache,
                Optional.of(cache),
                fileKey,
                auditShare);
    }

    public NodeOptions withFileKey(SharedKey key) {
        return new NodeOptions(
                mode,
                policy,
                prefillWorkers,
                decodeWorkers,
                contextTokens,
                prefillCells,
                decodeCells,
                running,
                blockTokens,
                stepTokens,
                threads,
                slowdownPercent,
                hostCacheBytes,
                hostCacheFolder,
                queue,
                diskCache,
                remoteCache,
                Optional.of(key),
                auditShare);
    }

    public NodeOptions withAuditShare(double share) {
        return new NodeOptions(
                mode,
                policy,
                prefillWorkers,
                decodeWorkers,
                contextTokens,
                prefillCells,
                decodeCells,
                running,
                blockTokens,
                stepTokens,
                threads,
                slowdownPercent,
                hostCacheBytes,
                hostCacheFolder,
                queue,
                diskCache,
                remoteCache,
                fileKey,
                share);
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
