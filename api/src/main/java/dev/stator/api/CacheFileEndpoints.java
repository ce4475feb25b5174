package dev.stator.api;

import dev.stator.serving.CacheFiles;
import dev.stator.serving.CacheFiles.Imported;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code GET /admin/cache/export} sends a prefix of the host tier as a file, {@code POST
 * /admin/cache/import} takes one in. Neither holds more of it than a block.
 */
final class CacheFileEndpoints {
    static final String MEDIA_TYPE = "application/octet-stream";

    private static final Logger LOG = LoggerFactory.getLogger(CacheFileEndpoints.class);
    private static final int AT_ONCE = 2;
    private static final int WRITE_BYTES = 256 << 10;

    private final Service service;
    private final Supplier<CacheFiles> files;
    private final Semaphore turns = new Semaphore(AT_ONCE);

    /**
     * @param files throws {@link ApiException} if there are none
     */
    CacheFileEndpoints(Service service, Supplier<CacheFiles> files) {
        this.service = service;
        this.files = files;
    }

    /** To be called on the loop. */
    void export(Exchange exchange, String key) {
        Thread.ofVirtual()
                .name("export " + exchange.requestId())
                .start(() -> Preparation.attempt(exchange, () -> send(exchange, key)));
    }

    private void send(Exchange exchange, String key) {
        takeTurn();
        try (var export = files.get().export(key).orElseThrow(() -> CacheEndpoints.unknown(key))) {
            exchange.loop().post(() -> begin(exchange, key));
            for (var next = export.next(); next.isPresent(); next = export.next()) {
                write(exchange, next.get());
            }
            exchange.loop()
                    .post(
                            () -> {
                                exchange.settle();
                                exchange.response().end();
                            });
        } catch (IOException | IllegalStateException e) {
            LOG.warn("An export of the prefix {} ended early: {}", key, e.getMessage());
            exchange.loop().post(exchange::abort);
        } finally {
            turns.release();
        }
    }

    private static void begin(Exchange exchange, String key) {
        exchange.response()
                .setChunked(true)
                .putHeader("content-type", MEDIA_TYPE)
                .putHeader(
                        "content-disposition",
                        "attachment; filename=\"%s.stator-prefix\"".formatted(key));
    }

    /** Waits until the client has taken it. */
    private void write(Exchange exchange, byte[] bytes) throws IOException {
        for (int from = 0; from < bytes.length; from += WRITE_BYTES) {
            int to = Math.min(bytes.length, from + WRITE_BYTES);
            var part = Buffer.buffer(Arrays.copyOfRange(bytes, from, to));
            var written = new CompletableFuture<Optional<Void>>();
            exchange.loop()
                    .post(
                            () ->
                                    (exchange.gone()
                                                    ? Future.<Void>failedFuture(
                                                            "the client has gone")
                                                    : exchange.response().write(part))
                                            .onSuccess(_ -> written.complete(Optional.empty()))
                                            .onFailure(written::completeExceptionally));
            try {
                written.get(service.options().maxStall().toMillis(), TimeUnit.MILLISECONDS);
            } catch (ExecutionException e) {
                throw new IOException(String.valueOf(e.getCause()), e);
            } catch (TimeoutException e) {
                throw new IOException("the client reads too slowly", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", e);
            }
        }
    }

    /** To be called in the request handler. */
    void read(Exchange exchange) {
        var body = BodyStream.of(exchange, service.options().maxStall());
        Thread.ofVirtual()
                .name("import " + exchange.requestId())
                .start(() -> Preparation.attempt(exchange, () -> read(exchange, body)));
    }

    private void read(Exchange exchange, BodyStream body) {
        try {
            switch (imported(body)) {
                case Imported.Done done ->
                        Service.reply(
                                exchange,
                                Json.object()
                                        .put("blocks", done.blocks())
                                        .put("tokens", done.tokens())
                                        .put("stored_blocks", done.stored())
                                        .put("present_blocks", done.present())
                                        .put("refused_blocks", done.refused()));
                case Imported.Bad(var sentence) ->
                        throw new ApiException(ApiError.invalid(sentence));
                case Imported.Foreign(var sentence) ->
                        throw new ApiException(new ApiError.Conflict(sentence));
            }
        } catch (BodyStream.SlowException e) {
            exchange.loop()
                    .post(
                            () -> {
                                exchange.fail(new ApiError.Slow(String.valueOf(e.getMessage())));
                                exchange.request().connection().close();
                            });
        } catch (IOException e) {
            LOG.warn("An import ended early: {}", e.getMessage());
        }
    }

    private Imported imported(BodyStream body) throws IOException {
        try {
            takeTurn();
            try {
                return files.get().read(body);
            } finally {
                turns.release();
            }
        } finally {
            body.discard();
        }
    }

    private void takeTurn() {
        if (!turns.tryAcquire()) {
            throw new ApiException(
                    new ApiError.Overloaded(
                            "%d prefixes are being exported or imported already; try again."
                                    .formatted(AT_ONCE),
                            5));
        }
    }
}
