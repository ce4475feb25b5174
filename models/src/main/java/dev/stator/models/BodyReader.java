package dev.stator.models;

import java.io.IOException;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Takes a response's body piece by piece and notices when it stalls, which the HTTP client itself
 * does not. One piece is asked for at a time, so that the queue stays short.
 */
final class BodyReader implements Flow.Subscriber<List<ByteBuffer>>, AutoCloseable {
    private sealed interface Signal {
        record Bytes(List<ByteBuffer> buffers) implements Signal {}

        record End() implements Signal {}

        record Failure(Throwable cause) implements Signal {}
    }

    private final LinkedBlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
    private final AtomicReference<Flow.Subscription> subscription = new AtomicReference<>();
    private final Duration stall;

    BodyReader(Duration stall) {
        this.stall = stall;
    }

    /**
     * The next piece; empty at the end.
     *
     * @throws IOException if the connection broke or nothing came for the time allowed
     */
    List<ByteBuffer> next() throws IOException, InterruptedException {
        return switch (signals.poll(stall.toMillis(), TimeUnit.MILLISECONDS)) {
            case null ->
                    throw new HttpTimeoutException(
                            "nothing came for %d s".formatted(stall.toSeconds()));
            case Signal.Bytes(var buffers) -> {
                request();
                yield buffers;
            }
            case Signal.End _ -> List.of();
            case Signal.Failure(IOException cause) -> throw cause;
            case Signal.Failure(var cause) -> throw new IOException(cause);
        };
    }

    private void request() {
        var current = subscription.get();
        if (current != null) {
            current.request(1);
        }
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
        subscription.set(given);
        given.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
        signals.add(new Signal.Bytes(buffers));
    }

    @Override
    public void onError(Throwable cause) {
        signals.add(new Signal.Failure(cause));
    }

    @Override
    public void onComplete() {
        signals.add(new Signal.End());
    }

    /** Drops the rest of the body and the connection with it. */
    @Override
    public void close() {
        var current = subscription.get();
        if (current != null) {
            current.cancel();
        }
    }
}
