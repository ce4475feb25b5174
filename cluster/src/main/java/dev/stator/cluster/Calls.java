package dev.stator.cluster;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;

/** How calls between frontends and nodes are made, and what they say besides their messages. */
final class Calls {
    /** Says that the node gives a request back because it stops, and has not failed at it. */
    private static final Metadata.Key<String> LEAVING =
            Metadata.Key.of("stator-leaving", Metadata.ASCII_STRING_MARSHALLER);

    /** A connection without calls is closed after so long. */
    private static final long IDLE_MINUTES = 5;

    /**
     * Bytes that may be on their way on a connection: all that a node holds goes without a pause. A
     * window of fixed size also does without the pings that would measure one.
     */
    static final int WINDOW_BYTES = 4 << 20;

    private Calls() {}

    static StatusRuntimeException leaving() {
        var trailers = new Metadata();
        trailers.put(LEAVING, "1");
        return Status.UNAVAILABLE
                .withDescription("the node is about to stop")
                .asRuntimeException(trailers);
    }

    static boolean isLeaving(Throwable failure) {
        return Optional.ofNullable(Status.trailersFromThrowable(failure))
                .map(trailers -> trailers.containsKey(LEAVING))
                .orElse(false);
    }

    /** A connection to a node, which begins with the first call over it. */
    static ManagedChannel channel(
            String host, int port, Optional<ClusterKey> key, int mostMessageBytes) {
        var builder =
                NettyChannelBuilder.forAddress(host, port)
                        .executor(Clock.system())
                        .maxInboundMessageSize(mostMessageBytes)
                        .flowControlWindow(WINDOW_BYTES)
                        .idleTimeout(IDLE_MINUTES, TimeUnit.MINUTES)
                        .disableRetry();
        key.ifPresentOrElse(its -> builder.sslContext(client(its)), builder::usePlaintext);
        return builder.build();
    }

    /** Mutual TLS by the cluster's key. */
    static SslContext server(ClusterKey key) {
        var identity = key.identity();
        return built(
                SslContextBuilder.forServer(identity.key(), identity.certificate())
                        .clientAuth(ClientAuth.REQUIRE),
                identity);
    }

    /** Mutual TLS by the cluster's key. */
    private static SslContext client(ClusterKey key) {
        var identity = key.identity();
        return built(
                SslContextBuilder.forClient().keyManager(identity.key(), identity.certificate()),
                identity);
    }

    private static SslContext built(SslContextBuilder builder, ClusterIdentity identity) {
        try {
            return GrpcSslContexts.configure(
                            builder.trustManager(identity.itself()).protocols("TLSv1.3"),
                            SslProvider.JDK)
                    .build();
        } catch (SSLException e) {
            throw new IllegalStateException("every JDK has TLS 1.3", e);
        }
    }
}
