package dev.stator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cluster.ClusterFabricTest.Heard;
import dev.stator.cluster.wire.Member;
import dev.stator.cluster.wire.Source;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.Platform;
import dev.stator.routing.Mode;
import dev.stator.routing.Policy;
import dev.stator.routing.WorkerRole;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.BlockExchange;
import dev.stator.serving.FabricStats;
import dev.stator.serving.FinishReason;
import dev.stator.serving.FromPeers;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.NodeFabric;
import dev.stator.serving.NodeOptions;
import dev.stator.serving.ServiceClass;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Prompts that one node computes and another answers. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class HandoffTest {
    private static final int CONTEXT = 2048;
    private static final int BLOCK = 32;
    private static final int LENGTH = 1500;
    private static final int WHOLE = (LENGTH - 1) / BLOCK;
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @TempDir Path folder;
    private LlamaEngine engine;
    private final List<NodeFabric> fabrics = new ArrayList<>();
    private final List<AutoCloseable> opened = new ArrayList<>();
    private final List<Member> members = new ArrayList<>();
    private Consumer<List<Member>> group = _ -> {};

    @BeforeAll
    void load() {
        engine =
                LlamaEngine.load(
                        LlamaOptions.of(
                                Path.of(System.getProperty("stator.demo"), "model.gguf"),
                                Platform.libraries(Path.of(System.getProperty("stator.natives")))));
    }

    @AfterAll
    void unload() {
        engine.close();
    }

    @AfterEach
    void close() throws Exception {
        for (var each : opened.reversed()) {
            each.close();
        }
        opened.clear();
        fabrics.clear();
        members.clear();
    }

    /** Its steps are short, so that a prompt takes many. */
    private NodeFabric fabric(Mode mode) {
        var fabric =
                NodeFabric.start(
                        engine,
                        new NodeOptions(
                                mode, 1, 1, CONTEXT, 4096, 8192, 32, BLOCK, 64, 1, 15, 32L << 20,
                                folder, 64));
        opened.add(fabric);
        fabrics.add(fabric);
        return fabric;
    }

    private static ClusterOptions options(String name) {
        return new ClusterOptions(
                "test", name, "1", "127.0.0.1", 0, 0, 0, List.of(), Optional.empty());
    }

    private NodeServer node(String name, WorkerRole role, NodeFabric its) {
        var server =
                NodeServer.start(
                        options(name),
                        role,
                        its,
                        "demo",
                        (_, _, _) -> new ClusterFabricTest.Alone());
        opened.add(server);
        members.add(server.self());
        return server;
    }

    private ClusterFabric frontend(Mode mode, Duration patience) throws InterruptedException {
        var fabric =
                ClusterFabric.start(
                        options("f"),
                        new FrontendOptions(
                                Policy.PREDICTED,
                                mode,
                                CONTEXT,
                                BLOCK,
                                ServiceClass.queue(64),
                                Duration.ofSeconds(2),
                                3,
                                patience),
                        engine.model(),
                        engine.tokenizer(),
                        Surroundings.of(
                                Optional.empty(),
                                (_, _, onChange) -> {
                                    group = onChange;
                                    return new ClusterFabricTest.Alone();
                                }));
        opened.add(fabric);
        group.accept(List.copyOf(members));
        GroupTest.await(
                () ->
                        fabric.cluster().orElseThrow().members().stream()
                                .filter(member -> member.role().equals("node"))
                                .allMatch(member -> member.state().equals("serving")),
                "serving");
        return fabric;
    }

    private static GenerationRequest request(int seed, int answer) {
        return new GenerationRequest(
                "handed over",
                new Random(seed).ints(LENGTH, 300, 1500).toArray(),
                answer,
                SamplingOptions.GREEDY,
                List.of(),
                Set.of(),
                true,
                "");
    }

    private List<Integer> alone(GenerationRequest request) throws Exception {
        try (var node =
                NodeFabric.start(
                        engine,
                        new NodeOptions(
                                Mode.AGGREGATED,
                                0,
                                1,
                                CONTEXT,
                                4096,
                                4096,
                                4,
                                BLOCK,
                                64,
                                1,
                                15,
                                0,
                                folder,
                                64))) {
            var heard = new Heard();
            node.submit(request, heard);
            heard.await();
            return heard.tokens;
        }
    }

    private static int sum(Account account) {
        return account.promptTokensBySource().values().stream().mapToInt(Integer::intValue).sum();
    }

    private static int from(String source, Account account) {
        return account.promptTokensBySource().getOrDefault(source, 0);
    }

    private static long imported(NodeFabric node) {
        return node.stats().workers().stream().mapToLong(FabricStats.Worker::bytesImported).sum();
    }

    private void assertNothingIsLeft() throws InterruptedException {
        for (var fabric : fabrics) {
            GroupTest.await(
                    () -> {
                        var cache = fabric.stats().cache();
                        return fabric.load(0).running() == 0
                                && fabric.load(0).waitingPrompts() == 0
                                && cache.getOrDefault("blocks_claimed", -1L) == 0
                                && cache.getOrDefault("blocks_pinned", -1L) == 0
                                && cache.getOrDefault("blocks_writing", -1L) == 0
                                && cache.getOrDefault("leases", -1L) == 0;
                    },
                    fabric.stats());
        }
    }

    @Test
    void oneNodeComputesThePromptAndTheOtherAnswersIt() throws Exception {
        var prefills = fabric(Mode.AUTO);
        node("p", WorkerRole.PREFILL, prefills);
        node("d", WorkerRole.DECODE, fabric(Mode.AUTO));
        var frontend = frontend(Mode.DISAGGREGATED, PATIENCE);
        var request = request(1, 20);

        var heard = new Heard();
        frontend.submit(request, heard);

        var account = heard.await().account();
        assertThat(heard.tokens).isEqualTo(alone(request));
        assertThat(account.plan()).isEqualTo("split");
        assertThat(account.prefillWorker()).isEqualTo("p");
        assertThat(account.decodeWorker()).startsWith("d/");
        assertThat(from("peer", account)).isEqualTo(LENGTH - 1);
        assertThat(from("computed", account)).isEqualTo(1);
        assertThat(sum(account)).isEqualTo(LENGTH);
        GroupTest.await(
                () ->
                        prefills.stats().promptTokensBySource().getOrDefault("computed", 0L)
                                == LENGTH,
                prefills.stats().promptTokensBySource());
        assertNothingIsLeft();
    }

    @Test
    void manyAnswersOfTheSameBeginningComputeItOnce() throws Exception {
        var prefills = fabric(Mode.AUTO);
        node("p", WorkerRole.PREFILL, prefills);
        node("d", WorkerRole.DECODE, fabric(Mode.AUTO));
        var frontend = frontend(Mode.DISAGGREGATED, PATIENCE);
        var request = request(2, 20);
        var expected = alone(request);

        var all = new ArrayList<Heard>();
        for (int i = 0; i < 4; i++) {
            all.add(new Heard());
            frontend.submit(request, all.getLast());
        }

        int brought = 0;
        int computed = 0;
        for (var heard : all) {
            var account = heard.await().account();
            assertThat(heard.tokens).isEqualTo(expected);
            assertThat(sum(account)).isEqualTo(LENGTH);
            brought += from("peer", account);
            // Each computes its last token.
            computed += from("computed", account) - 1;
        }
        // A node may take calls up in another order than they were decided in. Who then comes
        // before the one that brings the blocks claims some of them, and computes these.
        assertThat(brought + computed).isEqualTo(LENGTH - 1);
        assertThat(brought).isPositive();
        assertNothingIsLeft();
    }

    @Test
    void ifTheNodeThatComputesThePromptIsLostTheOtherComputesTheRest() throws Exception {
        var prefills = fabric(Mode.AUTO);
        var server = node("p", WorkerRole.PREFILL, prefills);
        var decodes = fabric(Mode.AUTO);
        node("d", WorkerRole.DECODE, decodes);
        var frontend = frontend(Mode.DISAGGREGATED, PATIENCE);
        var request = request(3, 20);
        var expected = alone(request);

        var heard = new Heard();
        frontend.submit(request, heard);
        GroupTest.await(() -> imported(decodes) > 0, "the first blocks");
        server.close();

        var account = heard.await().account();
        assertThat(heard.tokens).isEqualTo(expected);
        assertThat(account.decodeWorker()).startsWith("d/");
        assertThat(sum(account)).isEqualTo(LENGTH);
        assertThat(from("peer", account)).isPositive();
        assertNothingIsLeft();
        // The next one has nobody who computes it for the one that answers.
        var next = new Heard();
        frontend.submit(request(4, 20), next);
        assertThat(from("computed", next.await().account())).isEqualTo(LENGTH);
    }

    @Test
    void aClientThatLeavesIsHeardOfAtBothNodes() throws Exception {
        node("p", WorkerRole.PREFILL, fabric(Mode.AUTO));
        var decodes = fabric(Mode.AUTO);
        node("d", WorkerRole.DECODE, decodes);
        var frontend = frontend(Mode.DISAGGREGATED, PATIENCE);

        var heard = new Heard();
        var admitted = (Admission.Admitted) frontend.submit(request(5, 20), heard);
        GroupTest.await(() -> decodes.load(0).waitingPrompts() > 0, "a prompt that waits");
        admitted.cancel();

        assertThat(heard.await().reason()).isEqualTo(FinishReason.CANCELLED);
        assertNothingIsLeft();
    }

    @Test
    void whoOnlyPrefillsAnswersNothing() throws Exception {
        node("p", WorkerRole.PREFILL, fabric(Mode.AUTO));
        var frontend = frontend(Mode.AUTO, Duration.ofMillis(200));

        var heard = new Heard();
        if (frontend.submit(request(6, 20), heard) instanceof Admission.Admitted) {
            assertThat(heard.shed.get(60, TimeUnit.SECONDS).reason()).contains("no node");
        }
        var status = frontend.cluster().orElseThrow();
        assertThat(status.wrong()).contains("no node serves the model");
        assertThat(status.members())
                .anyMatch(member -> member.name().equals("p") && member.duty().equals("prefill"));
    }

    /** A lender of a node's blocks, and who borrows them for another. */
    private Peers peers(NodeFabric to) {
        var peers =
                new Peers(
                        to.exchange().orElseThrow(),
                        Optional.empty(),
                        (_, _, _) -> {
                            throw new AssertionError("how long computing takes is no speed");
                        });
        opened.add(peers);
        return peers;
    }

    private static Source waiting(Source source, Duration patience) {
        return source.toBuilder().setPatienceMillis(patience.toMillis()).build();
    }

    private static Source source(NodeServer lender) {
        return waiting(
                Source.newBuilder()
                        .setToBlock(Integer.MAX_VALUE)
                        .setNode("lender")
                        .setHost("127.0.0.1")
                        .setPort(lender.port())
                        .build(),
                PATIENCE);
    }

    @Test
    void blocksComeWhileTheLenderIsStillAtIt() throws Exception {
        var has = fabric(Mode.AGGREGATED);
        var lender = node("lender", WorkerRole.BOTH, has);
        var lacks = fabric(Mode.AGGREGATED);
        // The prompt's last block, and then an answer that goes on for long.
        var request = request(7, 500);
        var expected = alone(request(7, 20));

        // Who asks may come before the one that computes.
        var brought = peers(lacks).begin(request(7, 20), List.of(source(lender)));
        var computing = new Heard();
        has.submit(request, computing);
        var answer = new Heard();
        lacks.submit(request(7, 20), answer, brought);
        answer.await();

        assertThat(computing.end).isNotDone();
        assertThat(from("peer", answer.await().account())).isEqualTo(LENGTH - 1);
        assertThat(answer.tokens).isEqualTo(expected);
        computing.await();
        assertNothingIsLeft();
    }

    @Test
    void aPromiseThatIsNotKeptCostsOnlyComputing() throws Exception {
        var has = fabric(Mode.AGGREGATED);
        var exchange = has.exchange().orElseThrow();
        var port = LendingPort.open(options("lender"), exchange);
        opened.add(port);
        var lacks = fabric(Mode.AGGREGATED);
        var request = request(8, 20);
        var keys = exchange.wanted(request, Integer.MAX_VALUE).keys();

        var broken = exchange.promise(request);
        assertThat(keys).allMatch(exchange::isComing);
        var kept = exchange.promise(request);
        broken.run();
        assertThat(keys).allMatch(exchange::isComing);
        kept.run();
        assertThat(keys).noneMatch(exchange::isComing);

        // Nobody is at it: it is not waited for.
        var lender = node("lender", WorkerRole.BOTH, has);
        var brought = peers(lacks).begin(request, List.of(source(lender)));
        var answer = new Heard();
        lacks.submit(request, answer, brought);
        assertThat(from("computed", answer.await().account())).isEqualTo(LENGTH);
        assertThat(answer.tokens).isEqualTo(alone(request));
        assertNothingIsLeft();
    }

    @Test
    void aLenderThatFallsSilentIsNotWaitedFor() throws Exception {
        var lacks = fabric(Mode.AGGREGATED);
        var request = request(9, 20);
        var never = new CountDownLatch(1);
        BlockExchange exchange = lacks.exchange().orElseThrow();
        try (var lender =
                new ScriptedLender(
                        false,
                        exchange.wanted(request, WHOLE),
                        (pipe, wanted) -> {
                            pipe.write(BlockHeader.WAITING.encoded());
                            pipe.flush();
                            await(never);
                        })) {
            var source = waiting(lender.source(WHOLE), PATIENCE);
            var brought = peers(lacks).begin(request, List.of(source));
            var answer = new Heard();
            lacks.submit(request, answer, brought);

            assertThat(from("computed", answer.await().account())).isEqualTo(LENGTH);
            assertThat(brought.isComing()).isFalse();
            assertThat(brought.tokens()).isZero();
            never.countDown();
        }
        assertNothingIsLeft();
    }

    @Test
    void aLenderThatOnlyEverPromisesIsWaitedForNoLongerThanWasSaid() throws Exception {
        var lacks = fabric(Mode.AGGREGATED);
        var request = request(10, 20);
        try (var lender =
                new ScriptedLender(
                        false,
                        lacks.exchange().orElseThrow().wanted(request, WHOLE),
                        (pipe, _) -> {
                            while (true) {
                                pipe.write(BlockHeader.WAITING.encoded());
                                pipe.flush();
                                await(new CountDownLatch(1), Duration.ofMillis(50));
                            }
                        })) {
            var source = waiting(lender.source(WHOLE), Duration.ofMillis(800));
            FromPeers brought = peers(lacks).begin(request, List.of(source));
            var answer = new Heard();
            lacks.submit(request, answer, brought);

            assertThat(from("computed", answer.await().account())).isEqualTo(LENGTH);
            assertThat(brought.isComing()).isFalse();
        }
        assertNothingIsLeft();
    }

    private static void await(CountDownLatch latch) {
        await(latch, Duration.ofMinutes(1));
    }

    private static void await(CountDownLatch latch, Duration most) {
        try {
            boolean _ = latch.await(most.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
