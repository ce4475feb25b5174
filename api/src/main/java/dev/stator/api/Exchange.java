package dev.stator.api;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.Optional;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/**
 * One HTTP request and the answer to it. Belongs to its event loop; only {@link #gone()} and what
 * is known before the body is read ({@link #requestId()}, {@link #dialect()}, {@link #traced()},
 * {@link #loop()}, {@link #arrivedNanos()}, {@link #deadlineHeader()}, {@link #tenant()}) may be
 * asked from elsewhere.
 */
final class Exchange {
    private static final int MAX_REQUEST_ID = 128;

    private final HttpServerRequest request;
    private final Loop loop;
    private final String requestId;
    private final boolean traced;
    private final Optional<String> deadlineHeader;
    private final long arrivedNanos = System.nanoTime();
    private final Dialect dialect;
    private String tenant = "";
    private final Runnable onSettled;
    private Runnable onGone = () -> {};
    private boolean settled;
    private volatile boolean gone;

    /**
     * @param onSettled runs once, when the answer is written or the client has gone
     */
    Exchange(HttpServerRequest request, Loop loop, Runnable onSettled) {
        this.request = request;
        this.loop = loop;
        this.onSettled = onSettled;
        this.requestId = requestId(header(request, "x-request-id"));
        this.traced = header(request, "x-stator-trace").filter("1"::equals).isPresent();
        this.deadlineHeader = header(request, Urgency.DEADLINE_HEADER);
        this.dialect = Dialect.of(Optional.ofNullable(request.path()).orElse(""));
        var response = request.response();
        response.putHeader("x-request-id", requestId);
        if (dialect == Dialect.ANTHROPIC) {
            response.putHeader("request-id", requestId);
        }
        response.exceptionHandler(_ -> leave());
        response.closeHandler(_ -> leave());
        request.exceptionHandler(_ -> leave());
    }

    private static String requestId(Optional<String> given) {
        return given.filter(
                        id ->
                                !id.isEmpty()
                                        && id.length() <= MAX_REQUEST_ID
                                        && id.chars().allMatch(c -> c > 0x20 && c < 0x7f))
                .orElseGet(() -> UUID.randomUUID().toString());
    }

    private static Optional<String> header(HttpServerRequest request, String name) {
        return Optional.ofNullable(request.getHeader(name));
    }

    Optional<String> header(String name) {
        return header(request, name);
    }

    HttpServerRequest request() {
        return request;
    }

    HttpServerResponse response() {
        return request.response();
    }

    Loop loop() {
        return loop;
    }

    String requestId() {
        return requestId;
    }

    /** In which shape errors are told. */
    Dialect dialect() {
        return dialect;
    }

    /** Whether the client asked for the account of its request. */
    boolean traced() {
        return traced;
    }

    /** When its headers were there, by {@link System#nanoTime()}. */
    long arrivedNanos() {
        return arrivedNanos;
    }

    /** What the client wrote about the time to its first token. */
    Optional<String> deadlineHeader() {
        return deadlineHeader;
    }

    /** Whose request it is; empty if nobody asks for keys. */
    String tenant() {
        return tenant;
    }

    /** Before the body is read. */
    void tenant(String its) {
        tenant = its;
    }

    /** Whether the client left before its answer was complete. */
    boolean gone() {
        return gone;
    }

    /** What to stop when the client leaves; runs at once if it has left. */
    void onGone(Runnable stop) {
        onGone = stop;
        if (gone) {
            stop.run();
        }
    }

    /** Breaks the answer off: the client sees a closed connection or a reset stream. */
    void abort() {
        if (!settled) {
            response().reset();
            leave();
        }
    }

    void respond(int status, JsonNode body) {
        respond(status, "application/json", Json.bytes(body));
    }

    void respond(int status, String contentType, byte[] body) {
        if (settled) {
            return;
        }
        // Before it is settled, which counts it by its status.
        response().setStatusCode(status);
        settle();
        response().putHeader("content-type", contentType).end(Buffer.buffer(body));
    }

    void fail(ApiError error) {
        if (settled) {
            return;
        }
        switch (error) {
            case ApiError.Overloaded overloaded -> retryAfter(overloaded.retryAfterSeconds());
            case ApiError.Draining draining -> retryAfter(draining.retryAfterSeconds());
            case ApiError.Unauthorized _ -> response().putHeader("www-authenticate", "Bearer");
            case ApiError.WrongMethod wrong -> response().putHeader("allow", wrong.allowed());
            default -> {}
        }
        respond(dialect.status(error), dialect.body(error, requestId));
    }

    private void retryAfter(int seconds) {
        response().putHeader("retry-after", Integer.toString(seconds));
    }

    /** The answer is complete: from here on the client may leave. */
    void settle() {
        if (!settled) {
            settled = true;
            onSettled.run();
        }
    }

    private void leave() {
        if (!settled) {
            gone = true;
            settle();
            onGone.run();
        }
    }
}
