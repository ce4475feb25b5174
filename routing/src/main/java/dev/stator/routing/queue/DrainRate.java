package dev.stator.routing.queue;

/**
 * Measures how fast a class drains: the time that passes per nanosecond of predicted work, while
 * requests of the class wait. Departures when nobody waits say how fast requests arrive, not how
 * fast they could leave, and do not count.
 */
final class DrainRate {
    /** What is older than this counts for less than a third. */
    private static final double MEMORY_NANOS = 30e9;

    private double work;
    private double elapsed;
    private boolean waiting;
    private long lastNanos;

    /**
     * @param othersWait whether requests of the class still wait after this one has left
     */
    void departed(long nowNanos, long workNanos, boolean othersWait) {
        if (waiting) {
            double passed = nowNanos - lastNanos;
            double fade = Math.exp(-passed / MEMORY_NANOS);
            work = work * fade + workNanos;
            elapsed = elapsed * fade + passed;
        }
        waiting = othersWait;
        lastNanos = nowNanos;
    }

    /** Nobody waits any longer, though none departed. */
    void emptied() {
        waiting = false;
    }

    /**
     * How long it takes to drain this much predicted work; 0 while nothing has been measured. Time
     * without departures makes it longer.
     */
    double nanosFor(double workNanos, long nowNanos) {
        if (work == 0) {
            return 0;
        }
        return workNanos * (elapsed + (waiting ? nowNanos - lastNanos : 0)) / work;
    }
}
