package dev.stator.cluster;

import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;

/** Closes a data connection, and so ends what waits at it, unless it is done in time. */
final class Deadline implements AutoCloseable {
    private final Thread clock;
    private volatile long untilNanos;

    private Deadline(Closeable connection, long untilNanos) {
        this.untilNanos = untilNanos;
        this.clock = Thread.ofVirtual().name("lending-clock").unstarted(() -> watch(connection));
    }

    private void watch(Closeable connection) {
        try {
            for (long left = left(); left > 0; left = left()) {
                Thread.sleep(Duration.ofNanos(left));
            }
            connection.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            // What waits at it has ended all the same.
        }
    }

    private long left() {
        return untilNanos - System.nanoTime();
    }

    /**
     * There is more time.
     *
     * @param nanos later than before, by {@link System#nanoTime}
     */
    void until(long nanos) {
        untilNanos = nanos;
    }

    static Deadline of(Closeable connection, Duration within) {
        var deadline = new Deadline(connection, System.nanoTime() + within.toNanos());
        deadline.clock.start();
        return deadline;
    }

    @Override
    public void close() {
        clock.interrupt();
    }
}
