package dev.stator.bench;

import java.util.concurrent.locks.LockSupport;

/** The engine of the benchmark {@code http}: a thread that steps at a fixed pace. */
final class Ticker implements AutoCloseable {
    private final long periodNanos;
    private final Runnable step;
    private final Thread thread;
    private volatile boolean stopping;

    Ticker(long periodNanos, Runnable step) {
        this.periodNanos = periodNanos;
        this.step = step;
        this.thread = Thread.ofPlatform().name("engine").daemon().start(this::run);
    }

    private void run() {
        long next = System.nanoTime();
        while (!stopping) {
            step.run();
            next += periodNanos;
            long now = System.nanoTime();
            if (now > next) {
                // Late: an engine does not hurry to make up for a slow step.
                next = now;
            }
            for (; now < next && !stopping; now = System.nanoTime()) {
                LockSupport.parkNanos(next - now);
            }
        }
    }

    @Override
    public void close() {
        stopping = true;
        LockSupport.unpark(thread);
    }
}
