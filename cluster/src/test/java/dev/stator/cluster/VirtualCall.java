package dev.stator.cluster;

import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A gRPC call of one request and many answers, seen from both ends. What the server says comes in
 * order until the call ends at the client, of which each end hears in its own time.
 */
final class VirtualCall<Q, R> extends ClientCall<Q, R> {
    /** So many messages on their way, and the server is told to wait. */
    private static final int WINDOW = 6;

    private final VirtualChannel channel;
    private final MethodDescriptor<Q, R> method;
    private Optional<Listener<R>> listener = Optional.empty();
    private Optional<Q> request = Optional.empty();
    private Optional<VirtualChannel.Connection> connection = Optional.empty();
    private Optional<Pipe> up = Optional.empty();
    private Optional<Pipe> down = Optional.empty();
    private final Serving serving = new Serving();
    private boolean heard;
    private boolean ending;
    private boolean ended;

    VirtualCall(VirtualChannel channel, MethodDescriptor<Q, R> method) {
        this.channel = channel;
        this.method = method;
    }

    VirtualProcess client() {
        return channel.client();
    }

    /** Where it goes; empty while there is no connection. */
    Optional<VirtualProcess> server() {
        return connection.map(its -> its.server);
    }

    /** Whether the server's process has begun with it. */
    boolean reachedServer() {
        return serving.hears.isPresent();
    }

    /** Whether something of the answer has come. */
    boolean hasHeard() {
        return heard;
    }

    /** Whether it ended because the connection broke, and not because one end gave it up. */
    boolean brokeDown() {
        return connection.filter(its -> its.broken).isPresent();
    }

    Object request() {
        return request.orElseThrow();
    }

    // At the client.

    @Override
    public void start(Listener<R> its, Metadata headers) {
        listener = Optional.of(its);
    }

    @Override
    public void sendMessage(Q message) {
        request = Optional.of(message);
    }

    @Override
    public void halfClose() {
        channel.network().watch().began(this);
        channel.opened(this);
        channel.begin(this);
    }

    /** All that comes is taken. */
    @Override
    public void request(int messages) {}

    @Override
    public void cancel(@Nullable String message, @Nullable Throwable cause) {
        channel.withdraw(this);
        abandon(Status.CANCELLED.withDescription(String.valueOf(message)));
    }

    /** The client wants no more of it. */
    void abandon(Status status) {
        if (!ending) {
            down.ifPresent(pipe -> pipe.lose(0));
            up.ifPresent(pipe -> pipe.send(serving::cancelled));
            failSoon(status);
        }
    }

    void failSoon(Status status) {
        ending = true;
        client().execute(() -> end(status, new Metadata()));
    }

    void go(VirtualChannel.Connection over) {
        connection = Optional.of(over);
        var network = channel.network();
        up = Optional.of(network.pipe(client(), over.server));
        down = Optional.of(network.pipe(over.server, client()));
        if (over.broken) {
            down.orElseThrow().send(() -> end(VirtualChannel.stale(), new Metadata()));
        } else {
            over.calls.add(this);
            up.orElseThrow().send(serving::begin);
        }
    }

    /** The connection breaks: each end hears of it when something comes through at all. */
    void broken(Status status) {
        cutShort(down.orElseThrow(), () -> end(status, new Metadata()));
        cutShort(up.orElseThrow(), serving::cancelled);
    }

    private void cutShort(Pipe pipe, Runnable last) {
        pipe.lose(channel.network().random().nextInt(pipe.flying() + 1));
        pipe.send(last);
    }

    private void take(R message) {
        boolean full = !serving.isReady();
        if (!ended) {
            heard = true;
            listener.orElseThrow().onMessage(message);
        }
        if (full) {
            up.orElseThrow().to().execute(serving::goOn);
        }
    }

    private void end(Status status, Metadata trailers) {
        if (ended) {
            return;
        }
        ending = true;
        ended = true;
        connection.ifPresent(
                its -> {
                    its.calls.remove(this);
                    if (VirtualChannel.isBroken(status)) {
                        channel.lost(its);
                    }
                });
        channel.ended(this);
        channel.network().watch().ended(this, status, trailers);
        listener.orElseThrow().onClose(status, trailers);
    }

    /** At the server. */
    private final class Serving extends ServerCall<Q, R> {
        private Optional<ServerCall.Listener<Q>> hears = Optional.empty();
        private boolean cancelled;
        private boolean closed;

        @SuppressWarnings("unchecked")
        void begin() {
            var named =
                    Objects.requireNonNull(
                            connection.orElseThrow().service.getMethod(method.getFullMethodName()));
            var handler = ((ServerMethodDefinition<Q, R>) named).getServerCallHandler();
            var its = handler.startCall(this, new Metadata());
            hears = Optional.of(its);
            its.onMessage(request.orElseThrow());
            its.onHalfClose();
        }

        void cancelled() {
            if (!cancelled && !closed) {
                cancelled = true;
                hears.ifPresent(ServerCall.Listener::onCancel);
            }
        }

        void goOn() {
            if (!cancelled && !closed && isReady()) {
                hears.ifPresent(ServerCall.Listener::onReady);
            }
        }

        @Override
        public boolean isReady() {
            return down.orElseThrow().size() < WINDOW;
        }

        @Override
        public void request(int messages) {}

        @Override
        public void sendHeaders(Metadata headers) {}

        @Override
        public void sendMessage(R message) {
            if (!cancelled) {
                down.orElseThrow().send(() -> take(message));
            }
        }

        @Override
        public void close(Status status, Metadata trailers) {
            if (!cancelled && !closed) {
                closed = true;
                down.orElseThrow().send(() -> end(status, trailers));
            }
        }

        @Override
        public boolean isCancelled() {
            return cancelled;
        }

        @Override
        public MethodDescriptor<Q, R> getMethodDescriptor() {
            return method;
        }
    }
}
