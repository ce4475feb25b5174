package dev.stator.cluster;

import dev.stator.cluster.wire.Load;
import dev.stator.cluster.wire.Member;
import dev.stator.cluster.wire.NodeGrpc;
import dev.stator.cluster.wire.NodeNews;
import dev.stator.cluster.wire.SplicingAnswer;
import dev.stator.cluster.wire.SplicingCall;
import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.IndexOptions;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/**
 * What a frontend takes from its process and from the network. A simulation puts others in their
 * place.
 *
 * @param dial opens a connection to a node, which begins with the first call over it
 * @param index where blocks are, as nodes will tell
 * @param random for the frontend's number, and for policies that draw
 */
record Surroundings(
        Clock clock,
        Function<Member, ManagedChannel> dial,
        Membership.Joining joining,
        BlockIndex index,
        RandomGenerator random) {
    private static final long INDEX_BYTES = 128L << 20;

    /** A prompt of a million tokens fits; the usual limit would be a tenth of that. */
    private static final int MOST_MESSAGE_BYTES = 64 << 20;

    static Surroundings of(Optional<ClusterKey> key, Membership.Joining joining) {
        var clock = Clock.system();
        return new Surroundings(
                clock,
                node -> Calls.channel(node.getHost(), node.getPort(), key, MOST_MESSAGE_BYTES),
                joining,
                new BlockIndex(new IndexOptions(INDEX_BYTES)),
                new SplittableRandom(new SecureRandom().nextLong()));
    }

    /**
     * Does once what the first link would otherwise wait for, beside what the caller does: classes
     * are loaded, a key is made ready, event loops start.
     */
    static void prepare(Optional<ClusterKey> key) {
        Thread.ofPlatform().daemon().name("cluster-prepare").start(() -> dialNobody(key));
    }

    private static void dialNobody(Optional<ClusterKey> key) {
        var nobody = Calls.channel("127.0.0.1", 1, key, MOST_MESSAGE_BYTES);
        try {
            NodeNews _ = NodeNews.newBuilder().setLoad(Load.getDefaultInstance()).build();
            SplicingAnswer _ =
                    NodeGrpc.newBlockingStub(nobody).splicing(SplicingCall.getDefaultInstance());
        } catch (StatusRuntimeException e) {
            // Nobody is there: what is wanted is done.
        } finally {
            nobody.shutdownNow();
        }
    }
}
