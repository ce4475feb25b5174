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
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.ObservedFabric;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What frontends can ask of a node. */
final class NodeService extends NodeGrpc.NodeImplBase {
    private static final Logger LOG = LoggerFactory.getLogger(NodeService.class);

    private final long incarnation;
    private final ObservedFabric fabric;
    private final Optional<Peers> peers;
    private final Optional<LendingPort> lending;

    /** The latest decision of each frontend there has been. */
    private final Map<Long, AtomicLong> seen = new ConcurrentHashMap<>();

    private final Set<AnswerStream> answers = ConcurrentHashMap.newKeySet();
    private final Set<Follower> followers = ConcurrentHashMap.newKeySet();
    private volatile boolean draining;

    /**
     * @throws ClusterException if the port for blocks cannot be had
     */
    NodeService(long incarnation, ObservedFabric fabric, ClusterOptions options) {
        this.incarnation = incarnation;
        this.fabric = fabric;
        var exchange = fabric.exchange();
        this.lending = exchange.map(its -> LendingPort.open(options, its));
        this.peers =
                exchange.map(
                        its ->
                                new Peers(
                                        its,
                                        options.key(),
                                        (peer, tokens, millis) ->
                                                followers.forEach(
                                                        each ->
                                                                each.brought(
                                                                        peer, tokens, millis))));
    }

    @Override
    public void generate(GenerateCall call, StreamObserver<AnswerPart> answer) {
        if (draining) {
            answer.onError(Calls.leaving());
            return;
        }
        GenerationRequest request;
        try {
            request = Requests.request(call.getRequest());
        } catch (IllegalArgumentException e) {
            answer.onError(invalid(e));
            return;
        }
        var stream =
                new AnswerStream(
                        (ServerCallStreamObserver<AnswerPart>) answer,
                        () -> draining,
                        answers::remove);
        answers.add(stream);
        if (peers.isEmpty() || call.getSourcesCount() == 0) {
            submit(call, request, stream, Peers.Brought.NOTHING);
        } else {
            // The call must be heard of while it waits, for it may be cancelled.
            Thread.ofPlatform()
                    .daemon()
                    .name("peer-blocks")
                    .start(() -> bringAndSubmit(peers.get(), call, request, stream));
        }
    }

    private void bringAndSubmit(
            Peers from, GenerateCall call, GenerationRequest request, AnswerStream stream) {
        var brought = Peers.Brought.NOTHING;
        try {
            brought = from.bring(request, call.getSourcesList());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.error("Blocks of peers could not be used; {} computes them", request.id(), e);
        }
        submit(call, request, stream, brought);
    }

    private void submit(
            GenerateCall call,
            GenerationRequest request,
            AnswerStream stream,
            Peers.Brought brought) {
        stream.submit(fabric, request, brought);
        seen.computeIfAbsent(call.getFrontend(), _ -> new AtomicLong())
                .accumulateAndGet(call.getDecision(), Math::max);
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
        var follower = new Follower(incarnation, fabric, observer, latest::get, () -> draining);
        observer.setOnCancelHandler(follower::close);
        observer.setOnReadyHandler(follower::hurry);
        followers.add(follower);
        Thread.ofVirtual()
                .name("follower")
                .start(
                        () -> {
                            try {
                                follower.speak();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            } finally {
                                followers.remove(follower);
                            }
                        });
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
        followers.forEach(Follower::hurry);
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
        followers.forEach(Follower::close);
        peers.ifPresent(Peers::close);
        lending.ifPresent(LendingPort::close);
    }
}
