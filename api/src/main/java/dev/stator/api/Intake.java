package dev.stator.api;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Reads a request's body, bounded in size and time.
 *
 * <p>A client that is still writing cannot read an early answer: a body that is too large is read
 * on and thrown away for a while before it is refused.
 */
final class Intake {
    private static final long READ_MILLIS = 60_000;
    private static final long DISCARDED_BYTES = 64 << 20;

    /** What a request holds besides its body. */
    private static final long OVERHEAD_BYTES = 8 << 10;

    private final Vertx vertx;
    private final Preparation preparation;
    private final long limitBytes;

    Intake(Vertx vertx, Preparation preparation, long limitBytes) {
        this.vertx = vertx;
        this.preparation = preparation;
        this.limitBytes = limitBytes;
    }

    /**
     * To be called in the request handler, before the first byte of the body can come.
     *
     * @param task runs on a virtual thread with the whole body; what it throws becomes the answer
     */
    void read(Exchange exchange, Consumer<byte[]> task) {
        var reading = new Reading(exchange, task);
        var request = exchange.request();
        request.handler(reading::accept);
        request.endHandler(_ -> reading.end());
        exchange.onGone(reading::stop);
        if (exchange.header("expect").filter("100-continue"::equalsIgnoreCase).isPresent()) {
            if (declaredBytes(exchange) > limitBytes) {
                // The client has not begun to write and reads what we say. Nobody can tell whether
                // what it sends next is the body or another request.
                reading.refuse(new ApiError.TooLarge(limitBytes));
                exchange.response().putHeader("connection", "close");
                reading.answerRefusal();
                exchange.request().connection().close();
            } else {
                exchange.response().writeContinue();
            }
        }
    }

    private static long declaredBytes(Exchange exchange) {
        return exchange.header("content-length")
                .filter(length -> length.matches("[0-9]{1,18}"))
                .map(Long::parseLong)
                .orElse(0L);
    }

    private final class Reading {
        private final Exchange exchange;
        private final Consumer<byte[]> task;
        private final long timer;
        private Buffer body = Buffer.buffer();
        private long received;
        private long held;
        private Optional<ApiError> refusal = Optional.empty();

        Reading(Exchange exchange, Consumer<byte[]> task) {
            this.exchange = exchange;
            this.task = task;
            this.timer = vertx.setTimer(READ_MILLIS, _ -> late());
            hold(OVERHEAD_BYTES);
        }

        void accept(Buffer part) {
            received += part.length();
            if (received > limitBytes) {
                refuse(new ApiError.TooLarge(limitBytes));
                if (received > limitBytes + DISCARDED_BYTES) {
                    answerRefusal();
                    exchange.request().connection().close();
                }
            } else if (refusal.isEmpty() && hold(part.length())) {
                body.appendBuffer(part);
            }
        }

        private boolean hold(long bytes) {
            if (preparation.hold(bytes)) {
                held += bytes;
                return true;
            }
            refuse(
                    new ApiError.Overloaded(
                            "The server holds as many request bodies as it can; try again.", 1));
            return false;
        }

        private void refuse(ApiError error) {
            if (refusal.isEmpty()) {
                refusal = Optional.of(error);
                body = Buffer.buffer();
                release();
            }
        }

        void end() {
            if (refusal.isPresent()) {
                answerRefusal();
                return;
            }
            vertx.cancelTimer(timer);
            long holding = held;
            held = 0;
            byte[] bytes = body.getBytes();
            preparation.run(exchange, holding, () -> task.accept(bytes));
        }

        private void late() {
            exchange.fail(
                    new ApiError.Slow(
                            "The request body did not arrive within %d seconds."
                                    .formatted(READ_MILLIS / 1000)));
            exchange.request().connection().close();
        }

        private void answerRefusal() {
            vertx.cancelTimer(timer);
            refusal.ifPresent(exchange::fail);
        }

        void stop() {
            vertx.cancelTimer(timer);
            release();
        }

        private void release() {
            preparation.release(held);
            held = 0;
        }
    }
}
