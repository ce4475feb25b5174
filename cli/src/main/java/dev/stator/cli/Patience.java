package dev.stator.cli;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Tells people what takes so long, once it does. */
final class Patience {
    private static final Duration SILENCE = Duration.ofSeconds(2);
    private static final Duration INTERVAL = Duration.ofSeconds(10);

    private final Console console;

    Patience(Console console) {
        this.console = console;
    }

    /**
     * Does it, on this thread.
     *
     * @param what e.g. {@code loading model.gguf (1.2GiB)}
     */
    <T> T during(String what, Supplier<T> work) {
        var done = new CountDownLatch(1);
        long start = System.nanoTime();
        var watcher = Thread.ofVirtual().start(() -> watch(what, start, done));
        try {
            return work.get();
        } finally {
            done.countDown();
            join(watcher);
        }
    }

    private void watch(String what, long start, CountDownLatch done) {
        try {
            if (done.await(SILENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                return;
            }
            console.note(what + " …");
            while (!done.await(INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
                console.note("%s … %d s".formatted(what, seconds(start)));
            }
            console.note("%s took %d s".formatted(what, seconds(start)));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private static long seconds(long start) {
        return TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
    }

    /** So that the last note comes before what follows. */
    private static void join(Thread watcher) {
        try {
            watcher.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
