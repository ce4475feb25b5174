package dev.stator.bench;

import dev.stator.cluster.ClusterKey;
import dev.stator.cluster.ClusterOptions;
import dev.stator.cluster.NodeServer;
import dev.stator.engine.Engine;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.process.JavaCommand;
import dev.stator.engine.process.ProcessEngine;
import dev.stator.engine.process.ProcessOptions;
import dev.stator.engine.process.WorkerProcess;
import dev.stator.routing.Mode;
import dev.stator.serving.NodeFabric;
import dev.stator.serving.ObservedFabric;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * A node of the cluster's benchmarks: {@code NAME GROUP_PORT JOIN KEYED} and what it is: {@code
 * announcing BLOCKS SEED}, {@code tier BLOCKS BLOCK_BYTES} or {@code llama MODEL LIBRARIES CONTEXT
 * CELLS RUNNING THREADS}; {@code isolated} with the same: two decode workers in processes of their
 * own. Prints {@code ready} when it has joined and ends with its input.
 */
final class ClusterNodeProcess {
    private static final int FIXED = 4;

    private ClusterNodeProcess() {}

    static List<String> llama(
            ModelOptions model, int context, int cells, int running, int threads) {
        return computing("llama", model, context, cells, running, threads);
    }

    static List<String> isolated(
            ModelOptions model, int context, int cells, int running, int threads) {
        return computing("isolated", model, context, cells, running, threads);
    }

    private static List<String> computing(
            String what, ModelOptions model, int context, int cells, int running, int threads) {
        return List.of(
                what,
                model.file().toString(),
                model.libraries().toString(),
                String.valueOf(context),
                String.valueOf(cells),
                String.valueOf(running),
                String.valueOf(threads));
    }

    /** A node in a process of its own. */
    static Child start(String name, int groupPort, int join, boolean keyed, List<String> what) {
        var arguments =
                Stream.concat(
                                Stream.of(
                                        name,
                                        String.valueOf(groupPort),
                                        String.valueOf(join),
                                        String.valueOf(keyed)),
                                what.stream())
                        .toArray(String[]::new);
        return Child.java("the node " + name, ClusterNodeProcess.class, arguments);
    }

    static Optional<ClusterKey> key(boolean keyed) {
        return keyed ? Optional.of(ClusterKey.of(new byte[32])) : Optional.empty();
    }

    /**
     * @param join the group's port of a member; 0: it is the first
     */
    static ClusterOptions options(String name, int groupPort, int join, boolean keyed) {
        return new ClusterOptions(
                "bench",
                name,
                "bench",
                "127.0.0.1",
                groupPort,
                0,
                0,
                join == 0 ? List.of() : List.of("127.0.0.1:" + join),
                key(keyed));
    }

    public static void main(String[] arguments) throws IOException {
        var options =
                options(
                        arguments[0],
                        Integer.parseInt(arguments[1]),
                        Integer.parseInt(arguments[2]),
                        Boolean.parseBoolean(arguments[3]));
        switch (arguments[FIXED]) {
            case "announcing" ->
                    serve(
                            options,
                            SyntheticNode.announcing(
                                    new SplittableRandom(number(arguments, 2))
                                            .longs(number(arguments, 1))
                                            .toArray()));
            case "tier" ->
                    serve(
                            options,
                            SyntheticNode.withTier(number(arguments, 1), number(arguments, 2)));
            case "llama" -> {
                try (var engine = LlamaEngine.load(llama(arguments))) {
                    serve(options, fabric(engine, 1, arguments));
                }
            }
            case "isolated" -> {
                try (var engine =
                        ProcessEngine.load(
                                ProcessOptions.of(
                                        llama(arguments),
                                        JavaCommand.running(WorkerProcess.class)))) {
                    serve(options, fabric(engine, 2, arguments));
                }
            }
            default -> throw new BenchException("there is no node " + arguments[FIXED]);
        }
        System.exit(0);
    }

    private static int number(String[] arguments, int at) {
        return Integer.parseInt(arguments[FIXED + at]);
    }

    private static LlamaOptions llama(String[] arguments) {
        return LlamaOptions.of(Path.of(arguments[FIXED + 1]), Path.of(arguments[FIXED + 2]));
    }

    private static NodeFabric fabric(Engine engine, int decode, String[] arguments) {
        return NodeFabric.start(
                engine,
                Node.options(
                        Mode.AUTO,
                        decode,
                        number(arguments, 3),
                        number(arguments, 4),
                        number(arguments, 5),
                        number(arguments, 6)));
    }

    private static void serve(ClusterOptions options, ObservedFabric fabric) throws IOException {
        try (fabric;
                var _ = NodeServer.start(options, fabric, "bench")) {
            System.out.println("ready");
            while (System.in.read() >= 0) {
                // It lives as long as its input.
            }
        }
    }
}
