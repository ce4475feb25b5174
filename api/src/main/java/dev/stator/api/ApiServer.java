package dev.stator.api;

import dev.stator.api.answers.AnswerCache;
import dev.stator.serving.Fabric;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.net.SocketAddress;
import java.net.BindException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;

/** The HTTP server. Does not own the fabric. */
public final class ApiServer implements AutoCloseable {
    private static final long START_SECONDS = 30;
    private static final long DRAIN_POLL_MILLIS = 20;

    private final Vertx vertx;
    private final Fabric fabric;
    private final Routes routes;
    private final AtomicInteger open;
    private final int port;

    private ApiServer(Vertx vertx, Fabric fabric, Routes routes, AtomicInteger open, int port) {
        this.vertx = vertx;
        this.fabric = fabric;
        this.routes = routes;
        this.open = open;
        this.port = port;
    }

    /**
     * Listens when it returns.
     *
     * @throws ApiStartException if the address cannot be bound; says what to do
     */
    public static ApiServer start(ApiOptions options, Fabric fabric) {
        var model =
                new ServedModel(
                        options.modelName(),
                        fabric.contextTokens(),
                        System.currentTimeMillis() / 1000);
        var answers = answers(options.answers());
        var service =
                new Service(
                        options,
                        fabric,
                        model,
                        new Metrics(fabric, answers),
                        PlainPassages.of(fabric, options.reuse().passageBytes()),
                        answers);
        var routes = new Routes(service);
        var preparation = new Preparation(Math.max(4 * options.maxBodyBytes(), 256L << 20));
        var vertx = vertx(options.eventLoops());
        var open = new AtomicInteger();
        try {
            var address =
                    options.port() == 0
                            ? SocketAddress.sharedRandomPort(1, options.host())
                            : SocketAddress.inetSocketAddress(options.port(), options.host());
            var loops = new ConcurrentLinkedQueue<HttpLoop>();
            await(
                    vertx.deployVerticle(
                            () -> {
                                var loop =
                                        new HttpLoop(service, routes, preparation, address, open);
                                loops.add(loop);
                                return loop;
                            },
                            new DeploymentOptions().setInstances(options.eventLoops())),
                    options);
            routes.start();
            return new ApiServer(vertx, fabric, routes, open, loops.element().port());
        } catch (RuntimeException e) {
            vertx.close();
            throw e;
        }
    }

    private static Optional<AnswerCache> answers(AnswerOptions options) {
        return options.any()
                ? Optional.of(
                        new AnswerCache(
                                options.bytes(),
                                options.life(),
                                options.mostErrors(),
                                System::nanoTime,
                                RandomGenerator.getDefault()))
                : Optional.empty();
    }

    /** Without what a server that serves no files has no use for. */
    private static Vertx vertx(int eventLoops) {
        return Vertx.vertx(
                new VertxOptions()
                        .setEventLoopPoolSize(eventLoops)
                        .setDisableTCCL(true)
                        .setFileSystemOptions(
                                new FileSystemOptions()
                                        .setFileCachingEnabled(false)
                                        .setClassPathResolvingEnabled(false)));
    }

    private static void await(Future<?> future, ApiOptions options) {
        try {
            future.toCompletionStage().toCompletableFuture().get(START_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new ApiStartException(
                    refusal(Optional.ofNullable(e.getCause()).orElse(e), options), e);
        } catch (TimeoutException e) {
            throw new ApiStartException("the HTTP server did not start in time", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ApiStartException("interrupted while starting the HTTP server", e);
        }
    }

    private static String refusal(Throwable cause, ApiOptions options) {
        var message = String.valueOf(cause.getMessage());
        if (cause instanceof BindException && message.contains("in use")) {
            return "port %d is in use: choose another with --port, or 0 for a free one"
                    .formatted(options.port());
        }
        if (cause instanceof BindException && message.contains("ermission")) {
            return "port %d may only be used by privileged users: choose one above 1023 with --port"
                    .formatted(options.port());
        }
        return "cannot listen on %s port %d: %s".formatted(options.host(), options.port(), message);
    }

    public int port() {
        return port;
    }

    /**
     * Stops taking generation requests and waits until the open ones are answered, or the limit is
     * over.
     *
     * @return whether all were answered
     */
    public boolean drain(Duration limit) {
        fabric.drain();
        long end = System.nanoTime() + limit.toNanos();
        while (open.get() > 0) {
            if (System.nanoTime() - end >= 0) {
                return false;
            }
            try {
                Thread.sleep(DRAIN_POLL_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return true;
    }

    /** Closes all connections; what still runs is cancelled. */
    @Override
    public void close() {
        routes.close();
        try {
            vertx.close()
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get(START_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("the HTTP server did not stop", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
