package dev.stator.cluster;

import java.util.PriorityQueue;

/**
 * The time of one history, which jumps from event to event. Events of the same moment run in the
 * order in which they were scheduled.
 */
final class VirtualTime {
    private record Event(long nanos, long number, Runnable action) implements Comparable<Event> {
        @Override
        public int compareTo(Event other) {
            return nanos == other.nanos
                    ? Long.compare(number, other.number)
                    : Long.compare(nanos, other.nanos);
        }
    }

    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private long now;
    private long scheduled;
    private long digest = 1;

    long now() {
        return now;
    }

    void after(long nanos, Runnable action) {
        events.add(new Event(now + Math.max(0, nanos), scheduled++, action));
    }

    /** Runs all that happens until then. */
    void runUntil(long nanos) {
        for (var next = events.peek(); next != null && next.nanos <= nanos; next = events.peek()) {
            events.remove(next);
            now = next.nanos;
            digest = digest * 31 + (now ^ next.number);
            next.action.run();
        }
        now = nanos;
    }

    /** The same for two histories only if the same happened at the same times. */
    long digest() {
        return digest;
    }
}
