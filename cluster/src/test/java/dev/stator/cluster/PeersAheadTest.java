package dev.stator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.BlockKey;
import dev.stator.cluster.wire.Source;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.Platform;
import dev.stator.routing.Mode;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.BlockExchange;
import dev.stator.serving.FabricStats;
import dev.stator.serving.FinishReason;
import dev.stator.serving.FromPeers;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.NodeFabric;
import dev.stator.serving.NodeOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Requests that are answered while a peer's blocks for them are still on their way. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class PeersAheadTest {
    private static final int BLOCK = 32;
    private static final int LENGTH = 500;
    private static final int WHOLE = 15;

    @TempDir Path folder;
    private LlamaEngine engine;
    private NodeFabric has;
    private NodeFabric lacks;
    private Peers peers;

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

    @BeforeEach
    void start() {
        has = node(Mode.AGGREGATED);
        lacks = node(Mode.AUTO);
        peers = new Peers(exchange(lacks), Optional.empty(), (_, _, _) -> {});
    }

    private NodeFabric node(Mode mode) {
        return NodeFabric.start(
                engine,
                new NodeOptions(
                        mode, 1, 1, 2048, 4096, 4096, 8, BLOCK, 512, 1, 15, 32L << 20, folder, 64));
    }

    @AfterEach
    void stop() {
        peers.close();
        has.close();
        lacks.close();
    }

    private static BlockExchange exchange(NodeFabric node) {
        return node.exchange().orElseThrow();
    }

    private static GenerationRequest request(int seed) {
        return new GenerationRequest(
                "ahead",
                new Random(seed).ints(LENGTH, 300, 1500).toArray(),
                20,
                SamplingOptions.GREEDY,
                List.of(),
                Set.of(),
                true,
                "");
    }

    /** An answer that comes. */
    private static final class Answer implements GenerationListener {
        private final List<Integer> tokens = new ArrayList<>();
        private final CompletableFuture<Account> end = new CompletableFuture<>();

        static Answer to(GenerationRequest request, NodeFabric node, FromPeers from) {
            var answer = new Answer();
            node.submit(request, answer, from);
            return answer;
        }

        static List<Integer> of(GenerationRequest request, NodeFabric node) throws Exception {
            var answer = to(request, node, FromPeers.nothing());
            answer.account();
            return answer.tokens;
        }

        Account account() throws Exception {
            return end.get(60, TimeUnit.SECONDS);
        }

        int from(String source) throws Exception {
            return account().promptTokensBySource().getOrDefault(source, 0);
        }

        /** Of its prompt, as accounted for. */
        int accounted() throws Exception {
            return account().promptTokensBySource().values().stream()
                    .mapToInt(Integer::intValue)
                    .sum();
        }

        @Override
        public void onToken(GeneratedToken token) {
            tokens.add(token.sampled().token());
        }

        @Override
        public void onFinish(FinishReason reason, String tail, Account account) {
            end.complete(account);
        }

        @Override
        public void onFailure(String message) {
            end.completeExceptionally(new IllegalStateException(message));
        }
    }

    /** Sends blocks as the node that has them would. */
    private void send(BlockPipe pipe, List<BlockKey> keys) throws IOException {
        for (var key : keys) {
            try (var block = exchange(has).lend(key).orElseThrow()) {
                int bytes = Math.toIntExact(block.rows().byteSize());
                pipe.write(
                        new BlockHeader(key, block.tokens(), bytes, block.recomputeMicros())
                                .encoded());
                pipe.write(block.rows());
            }
        }
        pipe.flush();
    }

    private static void await(CountDownLatch latch) {
        try {
            boolean _ = latch.await(60, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private long imported() {
        return lacks.stats().workers().stream().mapToLong(FabricStats.Worker::bytesImported).sum();
    }

    private void assertNothingIsLeft() throws InterruptedException {
        GroupTest.await(
                () -> {
                    var cache = lacks.stats().cache();
                    return cache.getOrDefault("blocks_claimed", -1L) == 0
                            && cache.getOrDefault("blocks_pinned", -1L) == 0
                            && cache.getOrDefault("blocks_writing", -1L) == 0
                            && cache.getOrDefault("leases", -1L) == 0;
                },
                lacks.stats());
    }

    @Test
    void theFirstBlocksAreOnTheDeviceBeforeTheLastHaveCome() throws Exception {
        var request = request(1);
        var expected = Answer.of(request, has);
        var enough = new CountDownLatch(1);
        try (var lender =
                new ScriptedLender(
                        false,
                        exchange(lacks).wanted(request, WHOLE),
                        (pipe, wanted) -> {
                            send(pipe, wanted.keys().subList(0, 5));
                            await(enough);
                            send(pipe, wanted.keys().subList(5, WHOLE + 1));
                            pipe.write(BlockHeader.END.encoded());
                        })) {
            var brought = peers.begin(request, List.of(lender.source(WHOLE)));
            var answer = Answer.to(request, lacks, brought);
            GroupTest.await(() -> imported() > 0, "imported");
            assertThat(brought.isComing()).isTrue();
            enough.countDown();

            assertThat(answer.from("peer")).isEqualTo(LENGTH - 1);
            assertThat(answer.from("computed")).isEqualTo(1);
            assertThat(answer.accounted()).isEqualTo(LENGTH);
            assertThat(answer.tokens).isEqualTo(expected);
            assertThat(answer.account().stageMillis()).containsKey("peer");
        }
        assertNothingIsLeft();
    }

    @Test
    void aLenderThatDiesInTheMiddleCostsOnlyComputing() throws Exception {
        var request = request(2);
        var expected = Answer.of(request, has);
        try (var lender =
                new ScriptedLender(
                        false,
                        exchange(lacks).wanted(request, WHOLE),
                        (pipe, wanted) -> {
                            send(pipe, wanted.keys().subList(0, 4));
                            pipe.write(
                                    new BlockHeader(wanted.keys().get(4), BLOCK, wanted.bytes(4), 1)
                                            .encoded());
                            pipe.flush();
                            throw new IOException("it dies");
                        })) {
            var brought = peers.begin(request, List.of(lender.source(WHOLE)));
            var answer = Answer.to(request, lacks, brought);

            assertThat(answer.from("peer")).isEqualTo(4 * BLOCK);
            assertThat(answer.from("computed")).isEqualTo(LENGTH - 4 * BLOCK);
            assertThat(answer.tokens).isEqualTo(expected);
        }
        assertNothingIsLeft();
    }

    @Test
    void aLenderThatIsSlowerThanComputingIsNotWaitedFor() throws Exception {
        var request = request(3);
        // Now it knows what computing takes.
        Answer.of(request(4), lacks);
        var expected = Answer.of(request, has);
        var never = new CountDownLatch(1);
        try (var lender =
                new ScriptedLender(
                        false,
                        exchange(lacks).wanted(request, WHOLE),
                        (pipe, wanted) -> {
                            send(pipe, wanted.keys().subList(0, 1));
                            await(never);
                        })) {
            var brought = peers.begin(request, List.of(lender.source(WHOLE)));
            var answer = Answer.to(request, lacks, brought);

            assertThat(answer.tokens).hasSizeLessThanOrEqualTo(20);
            assertThat(answer.accounted()).isEqualTo(LENGTH);
            assertThat(answer.from("computed")).isGreaterThanOrEqualTo(LENGTH - BLOCK);
            assertThat(answer.tokens).isEqualTo(expected);
            assertThat(brought.isComing()).isFalse();
            never.countDown();
        }
        assertNothingIsLeft();
    }

    @Test
    void whatIsOnItsWayIsWaitedForByOthersToo() throws Exception {
        var request = request(5);
        var expected = Answer.of(request, has);
        var enough = new CountDownLatch(1);
        try (var lender =
                new ScriptedLender(
                        false,
                        exchange(lacks).wanted(request, WHOLE),
                        (pipe, wanted) -> {
                            await(enough);
                            send(pipe, wanted.keys());
                            pipe.write(BlockHeader.END.encoded());
                        })) {
            List<Source> source = List.of(lender.source(WHOLE));
            var first = Answer.to(request, lacks, peers.begin(request, source));
            var second = Answer.to(request, lacks, peers.begin(request, source));
            // One that names no peer.
            var third = Answer.to(request, lacks, FromPeers.nothing());
            enough.countDown();

            assertThat(first.from("peer")).isEqualTo(LENGTH - 1);
            assertThat(second.from("peer") + third.from("peer")).isZero();
            for (var answer : List.of(first, second, third)) {
                assertThat(answer.accounted()).isEqualTo(LENGTH);
                assertThat(answer.from("computed")).isEqualTo(1);
                assertThat(answer.tokens).isEqualTo(expected);
            }
        }
        assertNothingIsLeft();
    }

    @Test
    void aClientThatLeavesLeavesNothingBehind() throws Exception {
        var request = request(6);
        Answer.of(request, has);
        var never = new CountDownLatch(1);
        try (var lender =
                new ScriptedLender(
                        false,
                        exchange(lacks).wanted(request, WHOLE),
                        (pipe, wanted) -> {
                            send(pipe, wanted.keys().subList(0, 3));
                            await(never);
                        })) {
            var brought = peers.begin(request, List.of(lender.source(WHOLE)));
            var answer = new Answer();
            var admitted = (Admission.Admitted) lacks.submit(request, answer, brought);
            GroupTest.await(() -> imported() > 0, "imported");
            admitted.cancel();

            assertThat(answer.accounted()).isEqualTo(LENGTH);
            never.countDown();
        }
        assertNothingIsLeft();
    }
}
