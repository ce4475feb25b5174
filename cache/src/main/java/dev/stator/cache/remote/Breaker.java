package dev.stator.cache.remote;

import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Asks a store nothing more once it has failed several times in a row, until it has answered a
 * question of its own again. Requests never find out whether a store is back. Thread-safe.
 */
final class Breaker implements AutoCloseable {
    private static final int FAILURES = 3;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LAST_PAUSE = Duration.ofSeconds(15);

    private final Supplier<CompletableFuture<?>> ask;
    private final Duration timeout;
    private final Runnable onOpen;
    private final Consumer<Boolean> onChange;
    private int failures;
    private boolean open;
    private boolean closed;
    private Duration pause = FIRST_PAUSE;
    private long openings;
    private String lastFailure = "";

    /**
     * @param ask a question that a store in order answers
     * @param onOpen runs when it opens, and whenever the store has still not answered; must not
     *     block
     * @param onChange hears whether it is open now
     */
    Breaker(
            Supplier<CompletableFuture<?>> ask,
            Duration timeout,
            Runnable onOpen,
            Consumer<Boolean> onChange) {
        this.ask = ask;
        this.timeout = timeout;
        this.onOpen = onOpen;
        this.onChange = onChange;
    }

    /** Whether the store may be asked. */
    synchronized boolean allows() {
        return !open && !closed;
    }

    synchronized void succeeded() {
        failures = 0;
        if (!open) {
            pause = FIRST_PAUSE;
        }
    }

    void failed(Throwable e) {
        failed(e, 1);
    }

    /** Once is enough. */
    void lost(Throwable e) {
        failed(e, FAILURES);
    }

    private void failed(Throwable e, int weight) {
        boolean opens;
        synchronized (this) {
            failures += weight;
            lastFailure = reason(e);
            opens = failures >= FAILURES && !open && !closed;
            if (opens) {
                open = true;
                openings++;
            }
        }
        if (opens) {
            onOpen.run();
            onChange.accept(true);
            Thread.ofVirtual().name("remote-breaker").start(this::recover);
        }
    }

    private static String reason(Throwable e) {
        Throwable at = e;
        while (at.getCause() != null && at.getCause() != at) {
            at = at.getCause();
        }
        String message = at.getMessage();
        return message == null ? at.getClass().getSimpleName() : message.strip();
    }

    private void recover() {
        try {
            while (true) {
                Thread.sleep(nextPause());
                if (isClosed() || answers()) {
                    break;
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        synchronized (this) {
            open = false;
            failures = 0;
        }
        if (!isClosed()) {
            onChange.accept(false);
        }
    }

    private synchronized Duration nextPause() {
        Duration now = pause;
        Duration twice = pause.multipliedBy(2);
        pause = twice.compareTo(LAST_PAUSE) < 0 ? twice : LAST_PAUSE;
        return now;
    }

    private boolean answers() throws InterruptedException {
        CompletableFuture<?> answer = ask.get();
        try {
            answer.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (ExecutionException | TimeoutException | CancellationException e) {
            answer.cancel(true);
            onOpen.run();
            synchronized (this) {
                lastFailure = reason(e);
            }
            return false;
        }
    }

    synchronized boolean isOpen() {
        return open;
    }

    synchronized long openings() {
        return openings;
    }

    synchronized String lastFailure() {
        return lastFailure;
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    /** From now on nothing is asked. */
    @Override
    public synchronized void close() {
        closed = true;
    }
}
