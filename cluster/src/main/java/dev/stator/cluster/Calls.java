package dev.stator.cluster;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.util.Optional;
import javax.net.ssl.SSLException;

/** How calls between frontends and nodes are made, and what they say besides their messages. */
final class Calls {
    /** Says that the node gives a request back because it stops, and has not failed at it. */
    private static final Metadata.Key<String> LEAVING =
            Metadata.Key.of("stator-leaving", Metadata.ASCII_STRING_MARSHALLER);

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

    /** Mutual TLS by the cluster's key. */
    static SslContext server(ClusterKey key) {
        var identity = key.identity();
        return built(
                SslContextBuilder.forServer(identity.key(), identity.certificate())
                        .clientAuth(ClientAuth.REQUIRE),
                identity);
    }

    /** Mutual TLS by the cluster's key. */
    static SslContext client(ClusterKey key) {
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
