package dev.stator.bench;

import dev.stator.cluster.ClusterFabric;
import dev.stator.cluster.FrontendOptions;
import dev.stator.engine.ModelInfo;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.Tokenizer;
import dev.stator.routing.Mode;
import dev.stator.routing.Policy;
import dev.stator.routing.queue.QueueOptions;
import dev.stator.serving.GenerationRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/** The real frontend, asked directly: everything but HTTP. */
final class ClusterFrontend implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final ClusterFabric fabric;

    private ClusterFrontend(ClusterFabric fabric) {
        this.fabric = fabric;
    }

    /**
     * @param join the group's port of a member
     */
    static ClusterFrontend join(
            int join,
            boolean keyed,
            Policy policy,
            int context,
            ModelInfo model,
            Tokenizer tokenizer) {
        return join(freePort(), join, keyed, policy, context, model, tokenizer);
    }

    /**
     * @param groupPort its own
     * @param join the group's port of a member; 0: it is the first
     */
    static ClusterFrontend join(
            int groupPort,
            int join,
            boolean keyed,
            Policy policy,
            int context,
            ModelInfo model,
            Tokenizer tokenizer) {
        return new ClusterFrontend(
                fabric(groupPort, join, keyed, policy, context, model, tokenizer));
    }

    static ClusterFabric fabric(
            int groupPort,
            int join,
            boolean keyed,
            Policy policy,
            int context,
            ModelInfo model,
            Tokenizer tokenizer) {
        return ClusterFabric.start(
                ClusterNodeProcess.options("frontend", groupPort, join, keyed),
                options(policy, context),
                model,
                tokenizer);
    }

    static FrontendOptions options(Policy policy, int context) {
        return new FrontendOptions(
                policy,
                Mode.AUTO,
                context,
                SyntheticNode.BLOCK_TOKENS,
                QueueOptions.of(4096, 1L << 40),
                Duration.ofSeconds(3),
                3,
                PATIENCE);
    }

    static int freePort() {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new BenchException("there is no free port: " + e.getMessage(), e);
        }
    }

    /** Waits until so many nodes serve. */
    ClusterFrontend awaitNodes(int count) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (serving(fabric) < count) {
            if (System.nanoTime() - end > 0) {
                throw new BenchException("the nodes did not join the cluster");
            }
            LockSupport.parkNanos(1_000_000);
        }
        return this;
    }

    static long serving(ClusterFabric fabric) {
        return fabric.cluster().orElseThrow().members().stream()
                .filter(each -> each.role().equals("node") && each.state().equals("serving"))
                .count();
    }

    Answer ask(int[] prompt, int maxTokens) {
        var answer = new Answer(maxTokens);
        return answer.admitted(
                fabric.submit(
                        new GenerationRequest(
                                "bench",
                                prompt,
                                maxTokens,
                                SamplingOptions.GREEDY,
                                List.of(),
                                Set.of(),
                                true,
                                ""),
                        answer));
    }

    /** What nodes said last is in the index when this returns. */
    static void settle() {
        long end = System.nanoTime() + 300_000_000;
        for (long left = 1; left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    @Override
    public void close() {
        fabric.close();
    }
}
