package dev.stator.bench;

import dev.stator.engine.Engine;
import dev.stator.engine.SamplingOptions;
import dev.stator.routing.Mode;
import dev.stator.serving.Account;
import dev.stator.serving.DiskCache;
import dev.stator.serving.FabricStats;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.NodeFabric;
import dev.stator.serving.NodeOptions;
import dev.stator.serving.Splice;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** The real node, asked directly: everything but HTTP. */
final class Node implements AutoCloseable {
    /** What the command sets if nobody says otherwise. */
    private static final int SLOWDOWN_PERCENT = 15;

    static final int BLOCK_TOKENS = 32;
    static final int STEP_TOKENS = 512;

    /** Tokens that a short rest of a long prompt is computed with. */
    static final int TILE_TOKENS = 64;

    /** A decode worker keeps a quarter of its cells for sequences that have ended. */
    static final int CELLS_PER_RESIDENT_CELL = 4;

    private static final long HOST_CACHE_BYTES = 2L << 30;

    private final NodeFabric fabric;

    private Node(NodeFabric fabric) {
        this.fabric = fabric;
    }

    /**
     * @param cells of each decode worker; prefill workers hold two prompts of the context's length
     */
    static Node start(Engine engine, Mode mode, int context, int cells, int running, int threads) {
        return new Node(NodeFabric.start(engine, options(mode, context, cells, running, threads)));
    }

    /** A node whose host tier has no more than this. */
    static Node start(
            Engine engine,
            Mode mode,
            int context,
            int cells,
            int running,
            int threads,
            long hostBytes) {
        return new Node(
                NodeFabric.start(
                        engine, options(mode, 1, context, cells, running, threads, hostBytes)));
    }

    /** A node with two decode workers. */
    static Node startPair(
            Engine engine, Mode mode, int context, int cells, int running, int threads) {
        return new Node(
                NodeFabric.start(engine, options(mode, 2, context, cells, running, threads)));
    }

    /** A node with a disk tier, too. */
    static Node start(
            Engine engine, Mode mode, int context, int cells, int threads, DiskCache disk) {
        return new Node(
                NodeFabric.start(
                        engine, options(mode, context, cells, 8, threads).withDiskCache(disk)));
    }

    static NodeOptions options(Mode mode, int context, int cells, int running, int threads) {
        return options(mode, 1, context, cells, running, threads);
    }

    static NodeOptions options(
            Mode mode, int decode, int context, int cells, int running, int threads) {
        return options(mode, decode, context, cells, running, threads, HOST_CACHE_BYTES);
    }

    private static NodeOptions options(
            Mode mode,
            int decode,
            int context,
            int cells,
            int running,
            int threads,
            long hostBytes) {
        return new NodeOptions(
                mode,
                mode == Mode.AGGREGATED ? 0 : 1,
                decode,
                context,
                2 * context,
                cells,
                running,
                BLOCK_TOKENS,
                STEP_TOKENS,
                threads,
                SLOWDOWN_PERCENT,
                hostBytes,
                Bench.memoryFolder(),
                64);
    }

    Answer ask(int[] prompt, int maxTokens) {
        return ask(prompt, maxTokens, Optional.empty());
    }

    Answer ask(int[] prompt, int maxTokens, Optional<Splice> splice) {
        return ask(prompt, maxTokens, splice, true);
    }

    /** An answer that ends where the model ends it. */
    Answer answer(int[] prompt, int maxTokens, Optional<Splice> splice) {
        return ask(prompt, maxTokens, splice, false);
    }

    private Answer ask(int[] prompt, int maxTokens, Optional<Splice> splice, boolean ignoreEnd) {
        var exact =
                new GenerationRequest(
                        "bench",
                        prompt,
                        maxTokens,
                        SamplingOptions.GREEDY,
                        List.of(),
                        Set.of(),
                        ignoreEnd,
                        "");
        var answer = new Answer(maxTokens);
        return answer.admitted(fabric.submit(splice.map(exact::withSplice).orElse(exact), answer));
    }

    /** Computes a prompt while nobody else wants to. */
    CompletableFuture<Account> prefill(int[] prompt) {
        return fabric.texts()
                .orElseThrow()
                .prefill(
                        new GenerationRequest(
                                "bench",
                                prompt,
                                1,
                                SamplingOptions.GREEDY,
                                List.of(),
                                Set.of(),
                                true,
                                ""));
    }

    FabricStats stats() {
        return fabric.stats();
    }

    /** Fails unless a request got as many prompt tokens from a source as it should. */
    static void expectFrom(Account account, String source, int tokens) {
        int had = account.promptTokensBySource().getOrDefault(source, 0);
        if (had != tokens) {
            throw new BenchException(
                    "%d prompt tokens should have come from %s, but they came from %s"
                            .formatted(tokens, source, account.promptTokensBySource()));
        }
    }

    @Override
    public void close() {
        fabric.close();
    }
}
