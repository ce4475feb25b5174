package dev.stator.api;

import dev.stator.api.chat.ChatException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns bodies into generation requests on virtual threads: at most as many at once as there are
 * cores, and with a bound on the bytes of all bodies that are being read or wait for their turn.
 */
final class Preparation {
    private static final Logger LOG = LoggerFactory.getLogger(Preparation.class);

    private final Semaphore permits =
            new Semaphore(Runtime.getRuntime().availableProcessors(), true);
    private final AtomicLong held = new AtomicLong();
    private final long capacityBytes;

    Preparation(long capacityBytes) {
        this.capacityBytes = capacityBytes;
    }

    /**
     * @return whether there was room; if so, the bytes must be released
     */
    boolean hold(long bytes) {
        if (held.addAndGet(bytes) <= capacityBytes) {
            return true;
        }
        release(bytes);
        return false;
    }

    void release(long bytes) {
        held.addAndGet(-bytes);
    }

    /**
     * Runs a task of an exchange soon. What it throws becomes the answer.
     *
     * @param heldBytes released when the task is done
     */
    void run(Exchange exchange, long heldBytes, Runnable task) {
        Thread.ofVirtual()
                .name("prepare " + exchange.requestId())
                .start(
                        () -> {
                            permits.acquireUninterruptibly();
                            try {
                                if (!exchange.gone()) {
                                    attempt(exchange, task);
                                }
                            } finally {
                                permits.release();
                                release(heldBytes);
                            }
                        });
    }

    /** Runs a task of an exchange here; what it throws becomes the answer. */
    static void attempt(Exchange exchange, Runnable task) {
        try {
            task.run();
        } catch (ApiException e) {
            exchange.loop().post(() -> exchange.fail(e.error()));
        } catch (ChatException e) {
            exchange.loop().post(() -> exchange.fail(ApiError.invalid(e.getMessage())));
        } catch (RuntimeException | StackOverflowError e) {
            LOG.error("Request {} failed", exchange.requestId(), e);
            exchange.loop()
                    .post(
                            () ->
                                    exchange.fail(
                                            new ApiError.Failed(
                                                    "The server failed on this request; its log"
                                                            + " says more under the request id "
                                                            + exchange.requestId()
                                                            + ".")));
        }
    }
}
