package dev.stator.serving;

import dev.stator.routing.Dispatcher;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Pumps the queue when time alone may change it: a request may have become too late, or has been
 * passed for long enough. Sleeps while nobody waits.
 */
final class QueueClock implements AutoCloseable {
    /** While requests wait, the queue is looked at this often even if no worker says anything. */
    private static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

    private final Dispatcher<?> dispatcher;
    private final Runnable pump;
    private final Thread thread = Thread.ofPlatform().name("queue").unstarted(this::run);
    private volatile boolean stopping;

    QueueClock(Dispatcher<?> dispatcher, Runnable pump) {
        this.dispatcher = dispatcher;
        this.pump = pump;
    }

    void start() {
        thread.start();
    }

    /** Somebody waits who may need it sooner. */
    void reconsider() {
        if (Thread.currentThread() != thread) {
            LockSupport.unpark(thread);
        }
    }

    private void run() {
        long pumped = System.nanoTime();
        while (!stopping) {
            if (dispatcher.upcoming(1).isEmpty()) {
                // Looked at again: the dispatcher's lock may have used up close's permit.
                if (!stopping) {
                    LockSupport.park(this);
                }
                pumped = System.nanoTime();
                continue;
            }
            long now = System.nanoTime();
            long due = Math.min(dispatcher.wakeNanos(), pumped + PERIOD_NANOS);
            if (due > now) {
                LockSupport.parkNanos(this, due - now);
            } else {
                pump.run();
                pumped = System.nanoTime();
            }
        }
    }

    @Override
    public void close() {
        stopping = true;
        LockSupport.unpark(thread);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
