package dev.stator.routing.index;

import java.util.Comparator;
import java.util.Optional;
import java.util.PriorityQueue;

/** Ranges of blocks that a place is expected to hold soon, first to expire first. */
final class Expectations {
    /** Beside the keys. */
    private static final int RANGE_BYTES = 64;

    /**
     * @param untilNanos when it ends if no event has confirmed it
     */
    record Expected(Tenure tenure, long[] keys, long untilNanos) {
        long bytes() {
            return RANGE_BYTES + (long) keys.length * Long.BYTES;
        }
    }

    private final long maxBytes;
    private final PriorityQueue<Expected> queue =
            new PriorityQueue<>(Comparator.comparingLong(Expected::untilNanos));
    private long bytes;

    Expectations(long maxBytes) {
        this.maxBytes = maxBytes;
    }

    void add(Expected expected) {
        queue.add(expected);
        bytes += expected.bytes();
    }

    /** Takes one that ends by now. */
    Optional<Expected> expired(long nowNanos) {
        return queue.isEmpty() || queue.peek().untilNanos() > nowNanos ? Optional.empty() : take();
    }

    /** Takes the one that ends first if all together need too much memory. */
    Optional<Expected> excess() {
        return bytes > maxBytes ? take() : Optional.empty();
    }

    private Optional<Expected> take() {
        Expected first = queue.remove();
        bytes -= first.bytes();
        return Optional.of(first);
    }

    int size() {
        return queue.size();
    }

    long bytes() {
        return bytes;
    }
}
