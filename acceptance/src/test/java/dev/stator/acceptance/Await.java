package dev.stator.acceptance;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for something that another process does. */
final class Await {
    /** Far beyond what anything here takes: a test that hangs ends some time. */
    static final Duration PATIENCE = Duration.ofSeconds(120);

    private static final long POLL_MILLIS = 10;

    private Await() {}

    /**
     * @param state said when patience ends
     */
    static void until(BooleanSupplier condition, Supplier<Object> state) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("it never came to be: " + state.get());
            }
            try {
                Thread.sleep(POLL_MILLIS);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }
}
