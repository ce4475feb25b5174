package dev.stator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.stator.cluster.wire.Block;
import dev.stator.cluster.wire.BlocksCall;
import dev.stator.cluster.wire.NodeGrpc;
import dev.stator.cluster.wire.Source;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.Platform;
import dev.stator.routing.Mode;
import dev.stator.serving.Account;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.NodeFabric;
import dev.stator.serving.NodeOptions;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Blocks that one node computed, in another's answers. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class PeersTest {
    private static final int BLOCK = 32;
    private static final int LENGTH = 500;
    private static final int WHOLE = 15;

    @TempDir Path folder;
    private LlamaEngine engine;
    private NodeFabric has;
    private NodeFabric lacks;
    private NodeServer server;
    private FaultyProxy way;
    private Peers peers;
    private final ConcurrentLinkedQueue<Double> moved = new ConcurrentLinkedQueue<>();

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
        moved.clear();
        byte[] secret = new byte[32];
        secret[5] = 9;
        var key = Optional.of(ClusterKey.of(secret));
        has = node();
        lacks = node();
        server =
                NodeServer.start(
                        new ClusterOptions("test", "has", "1", "127.0.0.1", 0, 0, List.of(), key),
                        has,
                        "demo",
                        (_, _, _) -> new ClusterFabricTest.Alone());
        way = new FaultyProxy(server.port());
        peers = peers(key);
    }

    private Peers peers(Optional<ClusterKey> key) {
        return new Peers(
                lacks.exchange().orElseThrow(),
                key,
                BLOCK,
                (_, tokens, _) -> moved.add((double) tokens));
    }

    private NodeFabric node() {
        return NodeFabric.start(
                engine,
                new NodeOptions(
                        Mode.AUTO, 1, 1, 2048, 4096, 4096, 8, BLOCK, 512, 1, 15, 32L << 20, folder,
                        64));
    }

    @AfterEach
    void stop() {
        peers.close();
        way.close();
        server.close();
        has.close();
        lacks.close();
    }

    private static GenerationRequest request(int seed, String salt) {
        return new GenerationRequest(
                "peer",
                new Random(seed).ints(LENGTH, 300, 1500).toArray(),
                20,
                SamplingOptions.GREEDY,
                List.of(),
                Set.of(),
                true,
                salt);
    }

    private List<Source> source() {
        return List.of(
                Source.newBuilder()
                        .setToBlock(WHOLE)
                        .setNode("has")
                        .setHost("127.0.0.1")
                        .setPort(way.port())
                        .build());
    }

    /** What it generated, and its account. */
    private record Answer(List<Integer> tokens, Account account) {}

    private static Answer generate(
            NodeFabric node, GenerationRequest request, Peers.Brought brought) throws Exception {
        var tokens = new ArrayList<Integer>();
        var end = new CompletableFuture<Account>();
        node.submit(
                request,
                new GenerationListener() {
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
                },
                brought.tokens(),
                brought.nanos());
        return new Answer(tokens, end.get(60, TimeUnit.SECONDS));
    }

    private static Answer generate(NodeFabric node, GenerationRequest request) throws Exception {
        return generate(node, request, Peers.Brought.NOTHING);
    }

    @Test
    void whatAPeerHasIsNotComputed() throws Exception {
        var request = request(1, "");
        var expected = generate(has, request);

        var brought = peers.bring(request, source());
        var answer = generate(lacks, request, brought);

        assertThat(brought.tokens()).isEqualTo(WHOLE * BLOCK);
        assertThat(answer.tokens).isEqualTo(expected.tokens);
        assertThat(answer.account.promptTokensBySource())
                .containsEntry("peer", WHOLE * BLOCK)
                .containsEntry("computed", LENGTH - WHOLE * BLOCK);
        assertThat(answer.account.stageMillis()).containsKey("peer");
        assertThat(moved).containsExactly((double) WHOLE * BLOCK);
        // It is there now, and nothing is asked for again.
        assertThat(peers.bring(request, source())).isEqualTo(Peers.Brought.NOTHING);
    }

    @Test
    void onlyWhatIsLackingComes() throws Exception {
        var request = request(2, "");
        generate(has, request);
        assertThat(
                        peers.bring(
                                        request,
                                        List.of(
                                                source().getFirst().toBuilder()
                                                        .setToBlock(4)
                                                        .build()))
                                .tokens())
                .isEqualTo(4 * BLOCK);
        assertThat(peers.bring(request, source()).tokens()).isEqualTo((WHOLE - 4) * BLOCK);
    }

    @Test
    void blocksOfAnotherTenantAreNotThere() throws Exception {
        generate(has, request(3, "one tenant"));
        assertThat(peers.bring(request(3, "another"), source())).isEqualTo(Peers.Brought.NOTHING);
        assertThat(peers.bring(request(3, "one tenant"), source()).tokens()).isPositive();
    }

    @Test
    void severalWhoWantTheSameBringItOnce() throws Exception {
        var request = request(4, "");
        generate(has, request);
        var all = new ArrayList<CompletableFuture<Integer>>();
        for (int i = 0; i < 8; i++) {
            var one = new CompletableFuture<Integer>();
            all.add(one);
            Thread.ofVirtual()
                    .start(
                            () -> {
                                try {
                                    one.complete(peers.bring(request, source()).tokens());
                                } catch (InterruptedException e) {
                                    one.completeExceptionally(e);
                                }
                            });
        }
        int tokens = 0;
        for (var one : all) {
            tokens += one.get(60, TimeUnit.SECONDS);
        }
        assertThat(tokens).isEqualTo(WHOLE * BLOCK);
        assertThat(generate(lacks, request).account.promptTokensBySource())
                .containsEntry("computed", LENGTH - WHOLE * BLOCK);
    }

    @Test
    void aPeerThatIsGoneOrFrozenCostsTimeButNoAnswer() throws Exception {
        var request = request(5, "");
        var expected = generate(has, request);
        way.freeze();
        assertThat(peers.bring(request, source())).isEqualTo(Peers.Brought.NOTHING);
        way.cut();
        assertThat(peers.bring(request, source())).isEqualTo(Peers.Brought.NOTHING);

        assertThat(generate(lacks, request).tokens).isEqualTo(expected.tokens);
        assertThat(moved).allMatch(tokens -> tokens == BLOCK);
    }

    @Test
    void whoDoesNotHaveTheKeyGetsNothing() throws Exception {
        var request = request(6, "");
        generate(has, request);
        try (var stranger = peers(Optional.of(ClusterKey.of(new byte[32])))) {
            assertThat(stranger.bring(request, source())).isEqualTo(Peers.Brought.NOTHING);
        }
        try (var plain = peers(Optional.empty())) {
            assertThat(plain.bring(request, source())).isEqualTo(Peers.Brought.NOTHING);
        }
    }

    /** A peer whose blocks were altered on their way, or are of another size. */
    private static final class Liar extends NodeGrpc.NodeImplBase {
        private final boolean rightSize;
        private final int bytes;

        Liar(boolean rightSize, int bytes) {
            this.rightSize = rightSize;
            this.bytes = bytes;
        }

        @Override
        public void blocks(BlocksCall call, StreamObserver<Block> answer) {
            byte[] rows = new byte[rightSize ? bytes : bytes - 1];
            answer.onNext(
                    Block.newBuilder()
                            .setTokens(BLOCK)
                            .setRows(ByteString.copyFrom(rows))
                            .setChecksum(rightSize ? 1 : Lending.checksum(ByteBuffer.wrap(rows)))
                            .build());
            answer.onCompleted();
        }
    }

    @Test
    void aBlockThatIsNotWhatItShouldBeIsComputed() throws Exception {
        var request = request(7, "");
        int bytes = lacks.exchange().orElseThrow().wanted(request, 1).bytes();
        for (boolean rightSize : new boolean[] {true, false}) {
            var liar =
                    NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
                            .addService(new Liar(rightSize, bytes))
                            .build()
                            .start();
            try (var plain = peers(Optional.empty())) {
                var its = source().getFirst().toBuilder().setPort(liar.getPort()).build();
                assertThat(plain.bring(request, List.of(its))).isEqualTo(Peers.Brought.NOTHING);
            } finally {
                liar.shutdownNow();
            }
        }
        assertThat(generate(lacks, request).account.promptTokensBySource())
                .containsEntry("computed", LENGTH);
    }
}
