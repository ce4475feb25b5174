package dev.stator.cluster;

import dev.stator.cluster.wire.AnswerPart;
import dev.stator.cluster.wire.EmbedCall;
import dev.stator.cluster.wire.Embeddings;
import dev.stator.cluster.wire.FollowCall;
import dev.stator.cluster.wire.GenerateCall;
import dev.stator.cluster.wire.LendCall;
import dev.stator.cluster.wire.NodeGrpc;
import dev.stator.cluster.wire.NodeNews;
import dev.stator.cluster.wire.SplicingAnswer;
import dev.stator.cluster.wire.SplicingCall;
import dev.stator.cluster.wire.Ticket;
import dev.stator.engine.EngineException;
import dev.stator.serving.BlockExchange;
import dev.stator.serving.FromPeers;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.ObservedFabric;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What frontends can ask of a node. */
final class NodeService extends NodeGrpc.NodeImplBase {
    private static final Logger LOG = LoggerFactory.getLogger(NodeService.class);

    private final long incarnation;
    private final ObservedFabric fabric;
    private final Clock clock;
    private final Follower.Bounds bounds;
    private final Speaker speaker;
    private final Optional<BlockExchange> exchange;
    private final Optional<Peers> peers;
    private final Optional<LendingPort> lending;

    /** The latest decision of each frontend there has been. */
    private final Map<Long, AtomicLong> seen = new ConcurrentHashMap<>();

    private final Set<AnswerStream> answers = Collections.synchronizedSet(new LinkedHashSet<>());
    private final Set<Follower> followers = Collections.synchronizedSet(new LinkedHashSet<>());
    private volatile boolean draining;

    /**
     * @param lend opens the port for blocks
     * @throws ClusterException if that port cannot be had
     */
    NodeService(
            long incarnation,
            ObservedFabric fabric,
            Optional<ClusterKey> key,
            Function<BlockExchange, LendingPort> lend,
            Clock clock,
            Follower.Bounds bounds) {
        this.incarnation = incarnation;
        this.fabric = fabric;
        this.clock = clock;
        this.bounds = bounds;
        this.speaker = new Speaker(clock);
        this.exchange = fabric.exchange();
        this.lending = exchange.map(lend);
        this.peers = exchange.map(its -> new Peers(its, key, this::brought));
    }

    private void brought(String peer, long tokens, double millis) {
        List.copyOf(followers).forEach(each -> each.brought(peer, tokens, millis));
    }

    @Override
    public void generate(GenerateCall call, StreamObserver<AnswerPart> answer) {
        if (draining) {
            answer.onError(Calls.leaving());
            return;
        }
        try {
            generate(call, Requests.request(call.getRequest(), clock.nanos()), answer);
        } catch (IllegalArgumentException e) {
            answer.onError(invalid(e));
        }
    }

    private void generate(
            GenerateCall call, GenerationRequest request, StreamObserver<AnswerPart> answer) {
        var promise = exchange.filter(_ -> call.getPrefillOnly()).map(its -> its.promise(request));
        var stream =
                new AnswerStream(
                        (ServerCallStreamObserver<AnswerPart>) answer,
                        speaker,
                        () -> draining,
                        ended -> {
                            answers.remove(ended);
                            promise.ifPresent(Runnable::run);
                        });
        answers.add(stream);
        stream.accept();
        // Claimed before it is queued, so that no request that is bound after it computes them.
        stream.submit(fabric, request, coming(call, request));
        seen.computeIfAbsent(call.getFrontend(), _ -> new AtomicLong())
                .accumulateAndGet(call.getDecision(), Math::max);
    }

    private FromPeers coming(GenerateCall call, GenerationRequest request) {
        if (peers.isEmpty() || call.getSourcesCount() == 0) {
            return FromPeers.nothing();
        }
        try {
            return peers.get().begin(request, call.getSourcesList());
        } catch (RuntimeException e) {
            LOG.error("Blocks of peers could not be used; {} computes them", request.id(), e);
            return FromPeers.nothing();
        }
    }

    @Override
    public void lend(LendCall call, StreamObserver<Ticket> answer) {
        if (lending.isEmpty()) {
            answer.onError(
                    Status.UNIMPLEMENTED
                            .withDescription("the node has no host tier")
                            .asRuntimeException());
            return;
        }
        try {
            answer.onNext(lending.get().ticket());
            answer.onCompleted();
        } catch (IOException e) {
            answer.onError(
                    Status.RESOURCE_EXHAUSTED.withDescription(e.getMessage()).asRuntimeException());
        }
    }

    private static RuntimeException invalid(IllegalArgumentException e) {
        return Status.INVALID_ARGUMENT
                .withDescription(String.valueOf(e.getMessage()))
                .asRuntimeException();
    }

    @Override
    public void follow(FollowCall call, StreamObserver<NodeNews> news) {
        var observer = (ServerCallStreamObserver<NodeNews>) news;
        var latest = seen.computeIfAbsent(call.getFrontend(), _ -> new AtomicLong());
        var follower =
                new Follower(
                        incarnation,
                        fabric,
                        clock,
                        bounds,
                        observer,
                        latest::get,
                        () -> draining,
                        followers::remove);
        observer.setOnCancelHandler(follower::close);
        observer.setOnReadyHandler(follower::hurry);
        followers.add(follower);
        follower.begin();
    }

    @Override
    public void embed(EmbedCall call, StreamObserver<Embeddings> answer) {
        try {
            List<float[]> vectors =
                    fabric.embed(
                            call.getInputsList().stream()
                                    .map(input -> Ints.unboxed(input.getTokensList()))
                                    .toList());
            var message = Embeddings.newBuilder();
            for (float[] vector : vectors) {
                var one = message.addVectorsBuilder();
                for (float value : vector) {
                    one.addValues(value);
                }
            }
            answer.onNext(message.build());
            answer.onCompleted();
        } catch (EngineException e) {
            answer.onError(Status.INTERNAL.withDescription(e.getMessage()).asRuntimeException());
        }
    }

    @Override
    public void splicing(SplicingCall call, StreamObserver<SplicingAnswer> answer) {
        var message = SplicingAnswer.newBuilder();
        fabric.unspliceable().ifPresent(message::setUnspliceable);
        answer.onNext(message.build());
        answer.onCompleted();
    }

    /** From now on frontends are told to send nothing more, and what they send is given back. */
    void drain() {
        draining = true;
        List.copyOf(followers).forEach(Follower::hurry);
    }

    /** Answers that are being generated. */
    int running() {
        return answers.size();
    }

    /** Gives those back that still run. */
    void handOver() {
        List.copyOf(answers).forEach(AnswerStream::handOver);
    }

    void close() {
        List.copyOf(followers).forEach(Follower::close);
        peers.ifPresent(Peers::close);
        lending.ifPresent(LendingPort::close);
    }
}
