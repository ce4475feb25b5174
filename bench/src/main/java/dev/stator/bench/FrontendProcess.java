package dev.stator.bench;

import dev.stator.api.ApiOptions;
import dev.stator.api.ApiServer;
import dev.stator.cluster.ClusterEntry;
import dev.stator.engine.ModelInfo;
import dev.stator.engine.Tokenizer;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.LlamaVocabulary;
import dev.stator.routing.Policy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/**
 * A frontend in a process of its own: {@code JOIN NODES BLOCKS} and, if its model is no synthetic
 * one, {@code MODEL LIBRARIES}. Prints {@code full BLOCKS PORT} when so many nodes serve and their
 * index holds so many blocks. {@code alone}: a server over a fabric of its own that answers at
 * once. Ends with its input.
 */
final class FrontendProcess {
    private static final int CONTEXT = 1 << 20;

    private FrontendProcess() {}

    public static void main(String[] arguments) throws IOException {
        long began = System.currentTimeMillis();
        if (arguments[0].equals("alone")) {
            try (var fabric = SyntheticNode.announcing(new long[0]);
                    var api = ApiServer.start(ApiOptions.of("bench", 0), fabric)) {
                System.out.println("full 0 " + api.port());
                awaitEnd();
            }
        } else {
            serve(began, arguments);
        }
        System.exit(0);
    }

    /** In the order of {@code stator frontend}: it joins while all else starts. */
    private static void serve(long began, String[] arguments) throws IOException {
        var options =
                ClusterNodeProcess.options(
                        "frontend",
                        ClusterFrontend.freePort(),
                        Integer.parseInt(arguments[0]),
                        false);
        try (var entry = ClusterEntry.begin(options)) {
            if (arguments.length > 3) {
                try (var vocabulary =
                        LlamaVocabulary.load(
                                LlamaOptions.of(Path.of(arguments[3]), Path.of(arguments[4])))) {
                    serve(
                            entry,
                            vocabulary.model().contextTokens(),
                            vocabulary.model(),
                            vocabulary.tokenizer(),
                            began,
                            arguments);
                }
            } else {
                var model = new InstantFabric();
                serve(entry, CONTEXT, model.model(), model.tokenizer(), began, arguments);
            }
        }
    }

    private static void serve(
            ClusterEntry entry,
            int context,
            ModelInfo model,
            Tokenizer tokenizer,
            long began,
            String[] arguments)
            throws IOException {
        try (var fabric =
                        entry.fabric(
                                ClusterFrontend.options(Policy.PREDICTED, context),
                                model,
                                tokenizer);
                var api = ApiServer.start(ApiOptions.of("bench", 0), fabric)) {
            long up = System.currentTimeMillis();
            entry.await();
            long joined = System.currentTimeMillis();
            int nodes = Integer.parseInt(arguments[1]);
            long blocks = Long.parseLong(arguments[2]);
            while (fabric.indexedBlocks() < blocks || ClusterFrontend.serving(fabric) < nodes) {
                LockSupport.parkNanos(1_000_000);
            }
            long full = System.currentTimeMillis();
            System.out.println(
                    "full %d %d main began after %d ms, the API was up after %d, the group was joined after %d, the index was full after %d"
                            .formatted(
                                    fabric.indexedBlocks(),
                                    api.port(),
                                    began - start(),
                                    up - start(),
                                    joined - start(),
                                    full - start()));
            awaitEnd();
        }
    }

    /** Of the process. */
    private static long start() {
        return ProcessHandle.current().info().startInstant().orElseThrow().toEpochMilli();
    }

    private static void awaitEnd() throws IOException {
        while (System.in.read() >= 0) {
            // It lives as long as its input.
        }
    }
}
