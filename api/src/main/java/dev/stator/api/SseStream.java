package dev.stator.api;

import java.nio.charset.StandardCharsets;

/**
 * A stream of server-sent events to one client. Events gather here and are written once per drain
 * of the {@link Loop}, or later if the client reads slowly. Belongs to the event loop.
 *
 * <p>Bounded: a client that leaves too much unread, or reads nothing for too long, is cut off.
 */
final class SseStream {
    private static final byte[] DATA = "data: ".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] END = "\n\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] DONE = "data: [DONE]\n\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] WAITING = ": waiting\n\n".getBytes(StandardCharsets.US_ASCII);

    /** So often a client that waits for its first token, and any proxy between, hears something. */
    private static final long KEEP_ALIVE_NANOS = 15_000_000_000L;

    private static final int WRITE_BYTES = 64 << 10;

    private final Exchange exchange;
    private final ApiOptions options;
    private final Runnable onCutOff;
    private final byte[] keepAlive;
    private final JsonBytes bytes = new JsonBytes();
    private Wire wire;
    private boolean touched;
    private boolean begun;
    private boolean ending;
    private boolean over;
    private boolean full;
    private long fullSince;
    private long writtenAt;

    /**
     * @param onCutOff hears that the client read too slowly
     */
    SseStream(Exchange exchange, ApiOptions options, Runnable onCutOff) {
        this(exchange, options, onCutOff, WAITING);
    }

    /**
     * @param keepAlive an event or a comment for a client that waits
     */
    SseStream(Exchange exchange, ApiOptions options, Runnable onCutOff, byte[] keepAlive) {
        this.exchange = exchange;
        this.options = options;
        this.onCutOff = onCutOff;
        this.keepAlive = keepAlive.clone();
        this.wire = new Wire.Plain(exchange.response());
    }

    /** The answer is admitted and will come. */
    void open() {
        wire = Wire.of(exchange.request());
        writtenAt = exchange.loop().now();
        exchange.loop().opened(this);
    }

    /** Whether the client has been told that all is well. */
    boolean begun() {
        return begun;
    }

    /** One event whose JSON is {@code text}, escaped, between two constant parts. */
    void text(byte[] prefix, String text, byte[] suffix) {
        bytes.append(prefix);
        bytes.appendEscaped(text);
        bytes.append(suffix);
        touch();
    }

    /** One event, its lines and what ends it. */
    void raw(byte[] event) {
        bytes.append(event);
        touch();
    }

    /** One event. */
    void event(byte[] json) {
        bytes.append(DATA);
        bytes.append(json);
        bytes.append(END);
        touch();
    }

    /** The normal end. */
    void done() {
        bytes.append(DONE);
        finish();
    }

    /** The end, without the event that says that the answer is complete. */
    void finish() {
        ending = true;
        touch();
    }

    /** Forgets what was not written. */
    void discard() {
        over = true;
        bytes.clear();
        exchange.loop().closed(this);
    }

    /** Looks after a stream in which nothing happens. */
    void tick(long now) {
        if (exchange.gone()) {
            discard();
        } else if (full && now - fullSince > options.maxStall().toNanos()) {
            cutOff();
        } else if (!full && !ending && now - writtenAt > KEEP_ALIVE_NANOS) {
            bytes.append(keepAlive);
            touch();
        }
    }

    /** Writes what has gathered, if the client keeps up. */
    void flush() {
        touched = false;
        if (over) {
            return;
        }
        if (exchange.gone()) {
            discard();
            return;
        }
        if (wire.full()) {
            waitForClient();
            return;
        }
        begin();
        writtenAt = exchange.loop().now();
        wire.write(bytes);
        if (ending) {
            over = true;
            exchange.loop().closed(this);
            exchange.settle();
            exchange.response().end();
        }
    }

    private void begin() {
        if (!begun) {
            begun = true;
            exchange.response()
                    .putHeader("content-type", "text/event-stream; charset=utf-8")
                    .putHeader("cache-control", "no-cache")
                    .putHeader("x-accel-buffering", "no");
            wire.begin();
        }
    }

    private void touch() {
        if (!touched) {
            touched = true;
            exchange.loop().touch(this);
        }
        if (bytes.size() > WRITE_BYTES) {
            if (!full) {
                flush();
            }
            if (bytes.size() > options.maxUnreadBytes()) {
                cutOff();
            }
        }
    }

    private void waitForClient() {
        if (!full) {
            full = true;
            fullSince = exchange.loop().now();
            wire.whenRoom(
                    () -> {
                        full = false;
                        flush();
                    });
        }
    }

    private void cutOff() {
        if (!over) {
            discard();
            onCutOff.run();
            exchange.abort();
        }
    }
}
