package dev.stator.cluster;

import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;

/** Closes a data connection, and so ends what waits at it, unless it is done in time. */
final class Deadline implements AutoCloseable {
    private final Thread clock;

    private Deadline(Thread clock) {
        this.clock = clock;
    }

    static Deadline of(Closeable connection, Duration within) {
        return new Deadline(
                Thread.ofVirtual()
                        .name("lending-clock")
                        .start(
                                () -> {
                                    try {
                                        Thread.sleep(within);
                                        connection.close();
                                    } catch (InterruptedException e) {
                                        Thread.currentThread().interrupt();
                                    } catch (IOException e) {
                                        // What waits at it has ended all the same.
                                    }
                                }));
    }

    @Override
    public void close() {
        clock.interrupt();
    }
}
