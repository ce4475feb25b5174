package dev.stator.cluster;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * A gRPC channel over a virtual network: it connects with its first call, all calls share the
 * connection, and end when it breaks; the next call connects anew.
 */
final class VirtualChannel extends ManagedChannel {
    private static final long TRY_AGAIN_NANOS = 1_000_000_000;

    /** One TCP connection. */
    static final class Connection {
        final VirtualProcess server;
        final ServerServiceDefinition service;
        final Set<VirtualCall<?, ?>> calls = new LinkedHashSet<>();
        boolean broken;

        Connection(VirtualProcess server, ServerServiceDefinition service) {
            this.server = server;
            this.service = service;
        }
    }

    private final VirtualNetwork network;
    private final VirtualProcess client;
    private final int host;
    private final int port;
    private Optional<Connection> connection = Optional.empty();
    private final List<VirtualCall<?, ?>> pending = new ArrayList<>();

    /** Those that have not ended, over whichever connection. */
    private final Set<VirtualCall<?, ?>> open = new LinkedHashSet<>();

    private boolean connecting;
    private boolean shut;

    VirtualChannel(VirtualNetwork network, VirtualProcess client, int host, int port) {
        this.network = network;
        this.client = client;
        this.host = host;
        this.port = port;
    }

    VirtualNetwork network() {
        return network;
    }

    VirtualProcess client() {
        return client;
    }

    int host() {
        return host;
    }

    @Override
    public <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, CallOptions options) {
        return new VirtualCall<>(this, method);
    }

    void begin(VirtualCall<?, ?> call) {
        if (shut) {
            call.failSoon(Status.UNAVAILABLE.withDescription("Channel shutdown invoked"));
        } else if (connection.isPresent()) {
            call.go(connection.get());
        } else {
            pending.add(call);
            if (!connecting) {
                connecting = true;
                connectIn(
                        network.latencyNanos(client.host(), host)
                                + network.latencyNanos(host, client.host()));
            }
        }
    }

    private void connectIn(long nanos) {
        network.time().after(nanos, this::connect);
    }

    private void connect() {
        if (shut || client.isDead()) {
            return;
        }
        if (!network.isWhole(client.host(), host)) {
            connectIn(TRY_AGAIN_NANOS);
            return;
        }
        connecting = false;
        var calls = List.copyOf(pending);
        pending.clear();
        network.at(port)
                .ifPresentOrElse(
                        there -> {
                            var made = new Connection(there.process(), there.service());
                            connection = Optional.of(made);
                            calls.forEach(call -> call.go(made));
                        },
                        () -> calls.forEach(call -> call.failSoon(broken("Connection refused"))));
    }

    private static Status broken(String how) {
        return Status.UNAVAILABLE.withDescription("io exception").withCause(new IOException(how));
    }

    static boolean isBroken(Status status) {
        return "io exception".equals(status.getDescription());
    }

    /** The caller has heard that the connection is broken. */
    void lost(Connection which) {
        if (connection.filter(its -> its == which).isPresent()) {
            connection = Optional.empty();
        }
    }

    void opened(VirtualCall<?, ?> call) {
        open.add(call);
    }

    void ended(VirtualCall<?, ?> call) {
        open.remove(call);
    }

    void withdraw(VirtualCall<?, ?> call) {
        pending.remove(call);
    }

    void reset() {
        connection.ifPresent(its -> breakUp(its, "Connection reset by peer"));
    }

    void killed(VirtualProcess process) {
        connection
                .filter(its -> its.server == process || client == process)
                .ifPresent(its -> breakUp(its, "Connection reset by peer"));
    }

    private void breakUp(Connection its, String how) {
        if (its.broken) {
            return;
        }
        its.broken = true;
        List.copyOf(its.calls).forEach(call -> call.broken(broken(how)));
    }

    /** Of a call over a connection that is broken, though its caller has not heard of it. */
    static Status stale() {
        return broken("Broken pipe");
    }

    @Override
    public ManagedChannel shutdownNow() {
        shut = true;
        var status = Status.UNAVAILABLE.withDescription("Channel shutdownNow invoked");
        pending.clear();
        List.copyOf(open).forEach(call -> call.abandon(status));
        network.closed(this);
        return this;
    }

    @Override
    public ManagedChannel shutdown() {
        throw new UnsupportedOperationException("nobody here waits for calls to end");
    }

    @Override
    public boolean isShutdown() {
        return shut;
    }

    @Override
    public boolean isTerminated() {
        return shut;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
        return shut;
    }

    @Override
    public String authority() {
        return "port" + port;
    }
}
