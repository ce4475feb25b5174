package dev.stator.serving;

import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicLong;

/** The requests of clients that are under way, from submission to the last call. Thread-safe. */
final class Flights {
    private final AtomicLong last = new AtomicLong();
    private final ConcurrentSkipListSet<Long> under = new ConcurrentSkipListSet<>();
    private final Runnable onChange;

    /**
     * @param onChange runs when one begins or ends; must not block
     */
    Flights(Runnable onChange) {
        this.onChange = onChange;
    }

    long begin() {
        long number = last.incrementAndGet();
        under.add(number);
        onChange.run();
        return number;
    }

    /** Idempotent. */
    void end(long number) {
        under.remove(number);
        onChange.run();
    }

    boolean isEmpty() {
        return under.isEmpty();
    }

    /** The number of the one that began last. */
    long last() {
        return last.get();
    }

    /** Whether all have ended that began no later than this one. */
    boolean haveEnded(long number) {
        var oldest = under.ceiling(0L);
        return oldest == null || oldest > number;
    }
}
