package dev.stator.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jline.utils.Signals;

/**
 * SIGTERM and SIGINT: the first asks to stop, the second to stop at once.
 *
 * <p>Not a shutdown hook: with one the process would end with the signal as exit code, and a second
 * signal could not be heard.
 */
final class StopSignals {
    /** What shells report for a process that SIGINT ended. */
    private static final int STOPPED_AT_ONCE = 130;

    private final CountDownLatch first = new CountDownLatch(1);
    private final AtomicInteger heard = new AtomicInteger();

    private StopSignals() {}

    static StopSignals listen() {
        var signals = new StopSignals();
        Signals.register("TERM", signals::hear);
        Signals.register("INT", signals::hear);
        return signals;
    }

    private void hear() {
        if (heard.incrementAndGet() == 1) {
            first.countDown();
        } else {
            Runtime.getRuntime().halt(STOPPED_AT_ONCE);
        }
    }

    void awaitFirst() throws InterruptedException {
        first.await();
    }
}
