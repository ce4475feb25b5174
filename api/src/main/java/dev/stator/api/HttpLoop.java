package dev.stator.api;

import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.SocketAddress;
import java.util.concurrent.atomic.AtomicInteger;

/** The HTTP server on one event loop; all that share a port share its connections. */
final class HttpLoop extends VerticleBase {
    private static final int MAX_HEADER_BYTES = 32 << 10;
    private static final int MAX_LINE_BYTES = 8 << 10;
    private static final long TICK_MILLIS = 1000;

    private final HttpServerOptions options;
    private final Routes routes;
    private final Preparation preparation;
    private final Service service;
    private final SocketAddress address;
    private final AtomicInteger open;
    private volatile int port;

    /**
     * @param open counts the exchanges that are not answered yet
     */
    HttpLoop(
            Service service,
            Routes routes,
            Preparation preparation,
            SocketAddress address,
            AtomicInteger open) {
        this.service = service;
        this.routes = routes;
        this.preparation = preparation;
        this.open = open;
        this.address = address;
        this.options =
                new HttpServerOptions()
                        .setMaxHeaderSize(MAX_HEADER_BYTES)
                        .setMaxInitialLineLength(MAX_LINE_BYTES)
                        .setTcpNoDelay(true)
                        .setAcceptBacklog(4096)
                        .setHttp2ClearTextEnabled(true);
    }

    @Override
    public Future<HttpServer> start() {
        var loop = new Loop(context);
        var intake = new Intake(vertx, preparation, service.options().maxBodyBytes());
        vertx.setPeriodic(TICK_MILLIS, _ -> loop.tick());
        return vertx.createHttpServer(options)
                .requestHandler(request -> handle(request, loop, intake))
                .invalidRequestHandler(HttpLoop::refuseInvalid)
                .listen(address)
                .onSuccess(server -> port = server.actualPort());
    }

    /** The bound port, once started. */
    int port() {
        return port;
    }

    private void handle(HttpServerRequest request, Loop loop, Intake intake) {
        open.incrementAndGet();
        var exchange =
                new Exchange(
                        request,
                        loop,
                        () -> {
                            open.decrementAndGet();
                            service.metrics().responded(request.response().getStatusCode());
                        });
        try {
            routes.handle(exchange, intake);
        } catch (RuntimeException e) {
            Preparation.attempt(
                    exchange,
                    () -> {
                        throw e;
                    });
        }
    }

    /** What is no HTTP at all. */
    private static void refuseInvalid(HttpServerRequest request) {
        var error = ApiError.invalid("The request is not valid HTTP.");
        request.response()
                .setStatusCode(error.status())
                .putHeader("content-type", "application/json")
                .putHeader("connection", "close")
                .end(Buffer.buffer(Json.bytes(Dialect.OPENAI.body(error, ""))))
                .onComplete(_ -> request.connection().close());
    }
}
