package dev.stator.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.stator.cache.BlockKey;
import dev.stator.cluster.wire.LendCall;
import dev.stator.cluster.wire.NodeGrpc;
import dev.stator.cluster.wire.Source;
import dev.stator.cluster.wire.Ticket;
import dev.stator.engine.SamplingOptions;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.engine.llama.LlamaOptions;
import dev.stator.engine.llama.Platform;
import dev.stator.routing.Mode;
import dev.stator.routing.WorkerRole;
import dev.stator.serving.Account;
import dev.stator.serving.BlockExchange;
import dev.stator.serving.FinishReason;
import dev.stator.serving.FromPeers;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.NodeFabric;
import dev.stator.serving.NodeOptions;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
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
        var key = key(9);
        has = node();
        lacks = node();
        server =
                NodeServer.start(
                        options(key),
                        WorkerRole.BOTH,
                        has,
                        "demo",
                        (_, _, _) -> new ClusterFabricTest.Alone());
        way = new FaultyProxy(server.port());
        peers = peers(key);
    }

    private static Optional<ClusterKey> key(int seed) {
        byte[] secret = new byte[32];
        secret[5] = (byte) seed;
        return Optional.of(ClusterKey.of(secret));
    }

    private static ClusterOptions options(Optional<ClusterKey> key) {
        return new ClusterOptions("test", "has", "1", "127.0.0.1", 0, 0, 0, List.of(), key);
    }

    private static BlockExchange exchange(NodeFabric node) {
        return node.exchange().orElseThrow();
    }

    private Peers peers(Optional<ClusterKey> key) {
        return new Peers(exchange(lacks), key, (_, tokens, _) -> moved.add((double) tokens));
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

    private static Answer generate(NodeFabric node, GenerationRequest request, FromPeers brought)
            throws Exception {
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
                brought);
        return new Answer(tokens, end.get(60, TimeUnit.SECONDS));
    }

    private static Answer generate(NodeFabric node, GenerationRequest request) throws Exception {
        return generate(node, request, FromPeers.nothing());
    }

    /** All that came. */
    private static FromPeers bring(Peers from, GenerationRequest request, List<Source> sources)
            throws InterruptedException {
        var brought = from.begin(request, sources);
        brought.awaitEnd();
        return brought;
    }

    @Test
    void whatAPeerHasIsNotComputed() throws Exception {
        var request = request(1, "");
        var expected = generate(has, request);

        var brought = bring(peers, request, source());
        var answer = generate(lacks, request, brought);

        assertThat(brought.tokens()).isEqualTo(LENGTH - 1);
        assertThat(answer.tokens).isEqualTo(expected.tokens);
        assertThat(answer.account.promptTokensBySource())
                .containsEntry("peer", LENGTH - 1)
                .containsEntry("computed", 1);
        assertThat(answer.account.stageMillis()).containsKey("peer");
        assertThat(moved).containsExactly((double) LENGTH - 1);
        // It is there now, and nothing is asked for again.
        assertThat(bring(peers, request, source()).tokens()).isZero();
    }

    @Test
    void onlyWhatIsLackingComes() throws Exception {
        var request = request(2, "");
        generate(has, request);
        assertThat(
                        bring(
                                        peers,
                                        request,
                                        List.of(
                                                source().getFirst().toBuilder()
                                                        .setToBlock(4)
                                                        .build()))
                                .tokens())
                .isEqualTo(4 * BLOCK);
        assertThat(bring(peers, request, source()).tokens()).isEqualTo(LENGTH - 1 - 4 * BLOCK);
    }

    @Test
    void blocksOfAnotherTenantAreNotThere() throws Exception {
        generate(has, request(3, "one tenant"));
        assertThat(bring(peers, request(3, "another"), source()).tokens()).isZero();
        assertThat(bring(peers, request(3, "one tenant"), source()).tokens()).isPositive();
    }

    @Test
    void severalWhoWantTheSameBringItOnce() throws Exception {
        var request = request(4, "");
        generate(has, request);
        assertThat(broughtAtOnce(Collections.nCopies(8, request))).isEqualTo(LENGTH - 1);
        assertThat(generate(lacks, request).account.promptTokensBySource())
                .containsEntry("computed", 1);
    }

    @Test
    void ofTwoWhoWantTheSameBeginningEachGetsItsOwnEnd() throws Exception {
        var one = request(17, "");
        int[] forked = one.prompt().clone();
        forked[8 * BLOCK] = forked[8 * BLOCK] == 300 ? 301 : 300;
        var other =
                new GenerationRequest(
                        "peer", forked, 20, SamplingOptions.GREEDY, List.of(), Set.of(), true, "");
        generate(has, one);
        generate(has, other);
        assertThat(broughtAtOnce(List.of(one, other))).isEqualTo(2 * (LENGTH - 1) - 8 * BLOCK);
        assertThat(exchange(lacks).wanted(one, WHOLE).had()).isEqualTo(WHOLE + 1);
        assertThat(exchange(lacks).wanted(other, WHOLE).had()).isEqualTo(WHOLE + 1);
    }

    /** Tokens that came for all of them together. */
    private int broughtAtOnce(List<GenerationRequest> requests) throws Exception {
        var all = new ArrayList<CompletableFuture<Integer>>();
        for (var request : requests) {
            var its = new CompletableFuture<Integer>();
            all.add(its);
            Thread.ofVirtual()
                    .start(
                            () -> {
                                try {
                                    its.complete(bring(peers, request, source()).tokens());
                                } catch (InterruptedException e) {
                                    its.completeExceptionally(e);
                                }
                            });
        }
        int tokens = 0;
        for (var its : all) {
            tokens += its.get(60, TimeUnit.SECONDS);
        }
        return tokens;
    }

    @Test
    void aPeerThatIsGoneOrFrozenCostsTimeButNoAnswer() throws Exception {
        var request = request(5, "");
        var expected = generate(has, request);
        way.freeze();
        assertThat(bring(peers, request, source()).tokens()).isZero();
        way.cut();
        assertThat(bring(peers, request, source()).tokens()).isZero();

        assertThat(generate(lacks, request).tokens).isEqualTo(expected.tokens);
        assertThat(moved).allMatch(tokens -> tokens == BLOCK);
    }

    @Test
    void whoDoesNotHaveTheKeyGetsNothing() throws Exception {
        var request = request(6, "");
        generate(has, request);
        try (var stranger = peers(Optional.of(ClusterKey.of(new byte[32])))) {
            assertThat(bring(stranger, request, source()).tokens()).isZero();
        }
        try (var plain = peers(Optional.empty())) {
            assertThat(bring(plain, request, source()).tokens()).isZero();
        }
    }

    /** A peer that lends over a way which can be cut. */
    private static Server peer(Peer its) throws IOException {
        return NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
                .addService(
                        new NodeGrpc.NodeImplBase() {
                            @Override
                            public void lend(LendCall call, StreamObserver<Ticket> answer) {
                                try {
                                    answer.onNext(its.ticket());
                                    answer.onCompleted();
                                } catch (IOException e) {
                                    answer.onError(e);
                                }
                            }
                        })
                .build()
                .start();
    }

    private interface Peer {
        Ticket ticket() throws IOException;
    }

    private static List<Source> source(Server peer, int to) {
        return List.of(
                Source.newBuilder()
                        .setToBlock(to)
                        .setNode("peer")
                        .setHost("127.0.0.1")
                        .setPort(peer.getPort())
                        .build());
    }

    /** Asks somebody for blocks who takes one connection and lies there. */
    private FromPeers askLiar(GenerationRequest request, boolean sealed, ScriptedLender.Script lie)
            throws Exception {
        var wanted = exchange(lacks).wanted(request, WHOLE);
        try (var liar = new ScriptedLender(sealed, wanted, lie);
                var plain = peers(Optional.empty())) {
            return bring(plain, request, List.of(liar.source(WHOLE)));
        }
    }

    private static MemorySegment header(BlockKey key, int tokens, int bytes, long micros) {
        return new BlockHeader(key, tokens, bytes, micros).encoded();
    }

    private static MemorySegment rows(int bytes) {
        return MemorySegment.ofArray(new byte[bytes]);
    }

    private void assertComputed(GenerationRequest request) throws Exception {
        assertThat(exchange(lacks).wanted(request, WHOLE).had()).isZero();
        assertThat(generate(lacks, request).account.promptTokensBySource())
                .containsEntry("computed", LENGTH);
    }

    @Test
    void blocksThatWereNotAskedForAreNotTaken() throws Exception {
        var request = request(7, "");
        var brought =
                askLiar(
                        request,
                        false,
                        (pipe, wanted) -> {
                            // The second block in the first one's place.
                            pipe.write(header(wanted.keys().get(1), BLOCK, wanted.bytes(0), 1));
                            pipe.write(rows(wanted.bytes(0)));
                        });
        assertThat(brought.tokens()).isZero();
        assertComputed(request);
    }

    @Test
    void blocksOfAnotherSizeAreNotTaken() throws Exception {
        var request = request(8, "");
        for (int wrong = 0; wrong < 3; wrong++) {
            int kind = wrong;
            var brought =
                    askLiar(
                            request,
                            false,
                            (pipe, wanted) -> {
                                pipe.write(
                                        header(
                                                wanted.keys().getFirst(),
                                                kind == 0 ? BLOCK - 1 : BLOCK,
                                                wanted.bytes(0) - (kind == 1 ? 1 : 0),
                                                kind == 2 ? -1 : 1));
                                pipe.write(rows(wanted.bytes(0)));
                            });
            assertThat(brought.tokens()).isZero();
        }
        assertComputed(request);
    }

    @Test
    void moreBlocksThanWereAskedForAreNotTaken() throws Exception {
        var request = request(9, "");
        var brought =
                askLiar(
                        request,
                        false,
                        (pipe, wanted) -> {
                            for (int i = 0; i <= WHOLE + 1; i++) {
                                int block = i % (WHOLE + 1);
                                int tokens = wanted.tokens(block, block + 1);
                                pipe.write(
                                        header(
                                                wanted.keys().get(block),
                                                tokens,
                                                wanted.bytes(block),
                                                1));
                                pipe.write(rows(wanted.bytes(block)));
                            }
                        });
        assertThat(brought.tokens()).isEqualTo(LENGTH - 1);
    }

    /** The rows are written as another message is, so that their length is right and no more. */
    @Test
    void rowsWhoseChecksumIsWrongAreNotTaken() throws Exception {
        var request = request(10, "");
        var brought =
                askLiar(
                        request,
                        false,
                        (pipe, wanted) -> {
                            pipe.write(header(wanted.keys().getFirst(), BLOCK, wanted.bytes(0), 1));
                            pipe.flush();
                            pipe.writeFully(ByteBuffer.allocate(wanted.bytes(0) + Integer.BYTES));
                        });
        assertThat(brought.tokens()).isZero();
        assertComputed(request);
    }

    @Test
    void sealedRowsThatWereAlteredAreNotTaken() throws Exception {
        var request = request(11, "");
        var brought =
                askLiar(
                        request,
                        true,
                        (pipe, wanted) -> {
                            pipe.write(header(wanted.keys().getFirst(), BLOCK, wanted.bytes(0), 1));
                            pipe.flush();
                            pipe.writeFully(ByteBuffer.allocate(2 * wanted.bytes(0)));
                        });
        assertThat(brought.tokens()).isZero();
        assertComputed(request);
    }

    @Test
    void aPeerThatDiesMidwayHasLentWhatCameBefore() throws Exception {
        var request = request(12, "");
        var brought =
                askLiar(
                        request,
                        false,
                        (pipe, wanted) -> {
                            for (int i = 0; i < 4; i++) {
                                pipe.write(header(wanted.keys().get(i), BLOCK, wanted.bytes(0), 1));
                                pipe.write(rows(wanted.bytes(0)));
                            }
                            pipe.write(header(wanted.keys().get(4), BLOCK, wanted.bytes(0), 1));
                            pipe.flush();
                            pipe.writeFully(ByteBuffer.allocate(wanted.bytes(0) / 2));
                        });
        assertThat(brought.tokens()).isEqualTo(4 * BLOCK);
        assertThat(exchange(lacks).wanted(request, WHOLE).had()).isEqualTo(4);
    }

    @Test
    void aPeerThatStopsSendingIsGivenUpInTime() throws Exception {
        var request = request(13, "");
        var frozen = new CountDownLatch(1);
        var brought =
                askLiar(
                        request,
                        false,
                        (pipe, wanted) -> {
                            pipe.write(header(wanted.keys().getFirst(), BLOCK, wanted.bytes(0), 1));
                            pipe.flush();
                            try {
                                frozen.await();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                        });
        frozen.countDown();
        assertThat(brought.tokens()).isZero();
        assertComputed(request);
    }

    @Test
    void aConnectionIsUsedAgainAndReplacedWhenItIsBroken() throws Exception {
        var request = request(14, "");
        generate(has, request);
        var tickets = new AtomicInteger();
        try (var port = LendingPort.open(options(Optional.empty()), exchange(has));
                var plain = peers(Optional.empty())) {
            var ways = new ArrayList<FaultyProxy>();
            var lender =
                    peer(
                            () -> {
                                tickets.incrementAndGet();
                                var ticket = port.ticket();
                                ways.add(new FaultyProxy(ticket.getPort()));
                                return ticket.toBuilder().setPort(ways.getLast().port()).build();
                            });
            try {
                assertThat(bring(plain, request, source(lender, 2)).tokens()).isEqualTo(2 * BLOCK);
                assertThat(bring(plain, request, source(lender, 5)).tokens()).isEqualTo(3 * BLOCK);
                assertThat(tickets.get()).isEqualTo(1);
                ways.getFirst().cut();
                assertThat(bring(plain, request, source(lender, WHOLE)).tokens())
                        .isEqualTo(LENGTH - 1 - 5 * BLOCK);
                assertThat(tickets.get()).isEqualTo(2);
            } finally {
                lender.shutdownNow();
                ways.forEach(FaultyProxy::close);
            }
        }
    }

    /** Whoever connects to the port for blocks itself. */
    private static int read(SocketChannel channel) throws IOException {
        try {
            return channel.read(ByteBuffer.allocate(1));
        } catch (SocketException e) {
            return -1;
        }
    }

    @Test
    void aTicketIsGoodOnceAndNothingGoesWithoutOne() throws Exception {
        var request = request(15, "");
        generate(has, request);
        var key = exchange(has).wanted(request, 1).keys();
        try (var port = LendingPort.open(options(Optional.empty()), exchange(has))) {
            var ticket = port.ticket();
            try (var channel = SocketChannel.open()) {
                assertThat(
                                Borrowing.open(channel, "127.0.0.1", ticket)
                                        .borrow(key, Duration.ZERO, (its, rows) -> skip(its, rows)))
                        .isTrue();
            }
            var forged = ticket.toBuilder().setId(ByteString.copyFrom(new byte[16])).build();
            for (var bad : List.of(ticket, forged)) {
                try (var channel = SocketChannel.open()) {
                    Borrowing.open(channel, "127.0.0.1", bad);
                    assertThat(read(channel)).isEqualTo(-1);
                }
            }
        }
    }

    private static boolean skip(BlockHeader its, BlockPipe rows) throws IOException {
        rows.read(MemorySegment.ofArray(new byte[its.bytes()]));
        return true;
    }

    @Test
    void whoHasATicketsIdAndNotItsSecretCanAskForNothing() throws Exception {
        var request = request(16, "");
        generate(has, request);
        var key = exchange(has).wanted(request, 1).keys();
        try (var port = LendingPort.open(options(key(9)), exchange(has))) {
            var stolen =
                    port.ticket().toBuilder().setSecret(ByteString.copyFrom(new byte[32])).build();
            try (var channel = SocketChannel.open()) {
                var stranger = Borrowing.open(channel, "127.0.0.1", stolen);
                assertThatThrownBy(
                                () ->
                                        stranger.borrow(
                                                key, Duration.ZERO, (its, rows) -> skip(its, rows)))
                        .isInstanceOf(IOException.class);
            }
        }
    }

    @Test
    void whoAsksForMoreThanAPromptCanHaveIsCutOff() throws Exception {
        try (var port = LendingPort.open(options(Optional.empty()), exchange(has));
                var channel = SocketChannel.open()) {
            Borrowing.open(channel, "127.0.0.1", port.ticket());
            var pipe = BlockPipe.over(channel, Optional.empty(), true);
            pipe.write(
                    MemorySegment.ofBuffer(
                            ByteBuffer.allocate(4).putInt(Integer.MAX_VALUE).flip()));
            pipe.flush();
            assertThat(read(channel)).isEqualTo(-1);
        }
    }
}
