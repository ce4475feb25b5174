package dev.stator.serving;

import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicLong;

/** The requests of clients that are under way, from submission to the last call. Thread-safe. */
final class Flights {
    private final AtomicLong last = new AtomicLong();
    private final ConcurrentSkipListSet<Long> under = new ConcurrentSkipListSet<>();

    /** Of those whose requests are asked again. */
    private final ConcurrentSkipListSet<Long> followed = new ConcurrentSkipListSet<>();

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

    /**
     * One goes on as another request of the same text, of which there may be one; to be called
     * before it ends.
     *
     * @return ends that
     */
    Runnable follow(long number) {
        followed.add(number);
        return () -> {
            followed.remove(number);
            onChange.run();
        };
    }

    boolean isEmpty() {
        return under.isEmpty() && followed.isEmpty();
    }

    /** How many are under way. Takes time in their number. */
    int count() {
        return under.size();
    }

    /** The number of the one that began last. */
    long last() {
        return last.get();
    }

    /** Whether all have ended that began no later than this one. */
    boolean haveEnded(long number) {
        return haveEnded(under, number) && haveEnded(followed, number);
    }

    private static boolean haveEnded(ConcurrentSkipListSet<Long> all, long number) {
        var oldest = all.ceiling(0L);
        return oldest == null || oldest > number;
    }
}
