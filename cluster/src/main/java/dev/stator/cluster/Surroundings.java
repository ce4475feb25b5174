package dev.stator.cluster;

import dev.stator.cluster.wire.Load;
import dev.stator.cluster.wire.Member;
import dev.stator.cluster.wire.NodeGrpc;
import dev.stator.cluster.wire.NodeNews;
import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.IndexOptions;
import io.grpc.ManagedChannel;
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
        // The first link would otherwise load half of gRPC only once the group is joined.
        clock.execute(() -> prepare(key));
        return new Surroundings(
                clock,
                node -> Calls.channel(node.getHost(), node.getPort(), key, MOST_MESSAGE_BYTES),
                joining,
                new BlockIndex(new IndexOptions(INDEX_BYTES)),
                new SplittableRandom(new SecureRandom().nextLong()));
    }

    /** Does once what the first link would wait for: classes are loaded, a key is made ready. */
    private static void prepare(Optional<ClusterKey> key) {
        var nobody = Calls.channel("127.0.0.1", 1, key, MOST_MESSAGE_BYTES);
        NodeGrpc.newBlockingStub(nobody);
        NodeNews _ = NodeNews.newBuilder().setLoad(Load.getDefaultInstance()).build();
        nobody.shutdownNow();
    }
}
