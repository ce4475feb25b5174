package dev.stator.cluster;

import dev.stator.cluster.wire.Member;
import dev.stator.cluster.wire.Shape;
import dev.stator.routing.WorkerRole;
import dev.stator.serving.ObservedFabric;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** A node in a cluster: its fabric, for frontends in other processes. Does not own the fabric. */
public final class NodeServer implements AutoCloseable {
    private static final long DRAIN_POLL_MILLIS = 20;
    private static final long END_SECONDS = 2;

    /** A prompt of a million tokens fits; the usual limit would be a tenth of that. */
    private static final int MOST_MESSAGE_BYTES = 64 << 20;

    private final NodeService service;
    private final Server server;
    private final Member self;
    private final Membership membership;

    private NodeServer(NodeService service, Server server, Member self, Membership membership) {
        this.service = service;
        this.server = server;
        this.self = self;
        this.membership = membership;
    }

    /**
     * Listens and joins the cluster.
     *
     * @param model what the model is called, for people
     * @throws ClusterException if a port cannot be had
     */
    public static NodeServer start(ClusterOptions options, ObservedFabric fabric, String model) {
        return start(options, WorkerRole.BOTH, fabric, model);
    }

    /**
     * {@link #start(ClusterOptions, ObservedFabric, String)}.
     *
     * @param role what frontends may ask of it
     */
    public static NodeServer start(
            ClusterOptions options, WorkerRole role, ObservedFabric fabric, String model) {
        return start(options, role, fabric, model, Group::join);
    }

    static NodeServer start(
            ClusterOptions options,
            WorkerRole role,
            ObservedFabric fabric,
            String model,
            Membership.Joining joining) {
        long incarnation = new SecureRandom().nextLong();
        var service =
                new NodeService(
                        incarnation,
                        fabric,
                        options.key(),
                        exchange -> LendingPort.open(options, exchange),
                        Clock.system(),
                        Follower.Bounds.USUAL);
        try {
            var server = listen(options, service);
            try {
                var self = member(options, incarnation, server.getPort(), role, fabric, model);
                return new NodeServer(service, server, self, joining.join(options, self, _ -> {}));
            } catch (RuntimeException e) {
                server.shutdownNow();
                throw e;
            }
        } catch (RuntimeException e) {
            service.close();
            throw e;
        }
    }

    private static Server listen(ClusterOptions options, NodeService service) {
        var builder =
                NettyServerBuilder.forAddress(
                                new InetSocketAddress(options.host(), options.callPort()))
                        .executor(Clock.system())
                        .maxInboundMessageSize(MOST_MESSAGE_BYTES)
                        .flowControlWindow(Calls.WINDOW_BYTES)
                        .addService(service);
        options.key().ifPresent(key -> builder.sslContext(Calls.server(key)));
        try {
            return builder.build().start();
        } catch (IOException e) {
            throw new ClusterException(
                    "the node cannot listen on %s port %d (%s): choose another --node-port, or 0 for a free one"
                            .formatted(options.host(), options.callPort(), e.getMessage()),
                    e);
        }
    }

    private static Member member(
            ClusterOptions options,
            long incarnation,
            int port,
            WorkerRole role,
            ObservedFabric fabric,
            String model) {
        var spec = fabric.spec(options.name());
        return Member.newBuilder()
                .setRole(Member.Role.ROLE_NODE)
                .setName(options.name())
                .setIncarnation(incarnation)
                .setVersion(options.version())
                .setHost(options.host())
                .setPort(port)
                .setShape(
                        Shape.newBuilder()
                                .setModel(model)
                                .setFingerprint(fabric.model().fingerprint())
                                .setBlockTokens(fabric.blockTokens())
                                .setContextTokens(fabric.contextTokens())
                                .setRunning(spec.maxRunning())
                                .setCells(spec.kvTokens())
                                .setStepTokens(spec.stepTokens())
                                .setMixedStepTokens(spec.mixedStepTokens())
                                .setDuty(Duties.message(role)))
                .build();
    }

    /** As other members know it. */
    Member self() {
        return self;
    }

    /** Where frontends call it. */
    public int port() {
        return server.getPort();
    }

    /**
     * Takes no new requests and waits until those that run are answered. What still runs when the
     * limit is over goes on at another node.
     */
    public void drain(Duration limit) {
        service.drain();
        long end = System.nanoTime() + limit.toNanos();
        try {
            while (service.running() > 0 && System.nanoTime() - end < 0) {
                Thread.sleep(DRAIN_POLL_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        service.handOver();
    }

    /** Leaves the cluster. What still runs goes on at another node. */
    @Override
    public void close() {
        service.drain();
        service.handOver();
        membership.close();
        service.close();
        server.shutdown();
        try {
            if (!server.awaitTermination(END_SECONDS, TimeUnit.SECONDS)) {
                server.shutdownNow();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            server.shutdownNow();
        }
    }
}
