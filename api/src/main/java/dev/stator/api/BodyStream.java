package dev.stator.api;

import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A request's body, of any length, for one other thread to read. Only a few pieces of it are held:
 * a client that sends faster waits.
 */
final class BodyStream extends InputStream {
    private static final int PIECES_AHEAD = 4;

    /** No byte came for too long. */
    static final class SlowException extends IOException {
        SlowException(Duration patience) {
            super("Nothing of the body came for %d seconds.".formatted(patience.toSeconds()));
        }
    }

    private sealed interface Piece {
        record Bytes(byte[] bytes) implements Piece {}

        record End() implements Piece {}

        record Gone() implements Piece {}
    }

    private final Exchange exchange;
    private final Duration patience;
    private final BlockingQueue<Piece> pieces = new LinkedBlockingQueue<>();
    private byte[] piece = {};
    private int at;
    private boolean ended;

    private BodyStream(Exchange exchange, Duration patience) {
        this.exchange = exchange;
        this.patience = patience;
    }

    /**
     * To be called in the request handler, before the first byte of the body can come.
     *
     * @param patience how long a read waits for the client
     */
    static BodyStream of(Exchange exchange, Duration patience) {
        var stream = new BodyStream(exchange, patience);
        var request = exchange.request();
        request.pause();
        request.handler(stream::arrived);
        request.endHandler(_ -> stream.pieces.add(new Piece.End()));
        exchange.onGone(() -> stream.pieces.add(new Piece.Gone()));
        request.fetch(PIECES_AHEAD);
        if (exchange.header("expect").filter("100-continue"::equalsIgnoreCase).isPresent()) {
            exchange.response().writeContinue();
        }
        return stream;
    }

    private void arrived(Buffer part) {
        pieces.add(new Piece.Bytes(part.getBytes()));
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
    }

    @Override
    public int read(byte[] to, int from, int most) throws IOException {
        Objects.checkFromIndexSize(from, most, to.length);
        if (most == 0) {
            return 0;
        }
        while (at == piece.length) {
            if (ended || !next()) {
                return -1;
            }
        }
        int bytes = Math.min(most, piece.length - at);
        System.arraycopy(piece, at, to, from, bytes);
        at += bytes;
        return bytes;
    }

    /** Takes the next piece and lets another one come; false at the end. */
    private boolean next() throws IOException {
        switch (taken()) {
            case Piece.Bytes(var bytes) -> {
                piece = bytes;
                at = 0;
                exchange.loop().post(() -> exchange.request().fetch(1));
                return true;
            }
            case Piece.End _ -> {
                ended = true;
                return false;
            }
            case Piece.Gone _ -> {
                ended = true;
                throw new IOException("the client has gone");
            }
        }
    }

    private Piece taken() throws IOException {
        try {
            var taken = pieces.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
            if (taken != null) {
                return taken;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        ended = true;
        throw new SlowException(patience);
    }

    /** Reads on to the end: a client that is still writing cannot read an answer. */
    void discard() {
        try {
            while (!ended && next()) {
                at = piece.length;
            }
        } catch (IOException _) {
            // Then there is nobody to read an answer either.
        }
    }
}
