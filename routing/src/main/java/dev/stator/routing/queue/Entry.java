package dev.stator.routing.queue;

import dev.stator.routing.RouteRequest;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/** A request's place in the queue; also a node of its {@link TenantLine}. */
final class Entry<T> {
    /** In a tenant's line: earliest due first, then first come, first served. */
    static final Comparator<Entry<?>> DUE =
            Comparator.<Entry<?>>comparingLong(entry -> entry.dueNanos)
                    .thenComparingLong(entry -> entry.arrival);

    static final Comparator<Entry<?>> CHECK =
            Comparator.<Entry<?>>comparingLong(entry -> entry.checkNanos)
                    .thenComparingLong(entry -> entry.arrival);

    final Waiting<T> waiting;
    final ClassQueue<T> classQueue;
    final TenantLine<T> line;

    /** Numbers all requests of a queue in order of arrival. */
    final long arrival;

    final long dueNanos;
    final long workNanos;

    /** A request that starts later than this misses its deadline. */
    final long latestStartNanos;

    /** When to look again whether it still makes its deadline. */
    long checkNanos;

    /** When the starter was asked last, in {@link RequestQueue#roomChanged} counts. */
    long askedIn;

    private int passes;
    private long firstPassedNanos;

    // The treap of the line.
    final long level;
    long subtreeWorkNanos;
    @Nullable Entry<T> left;
    @Nullable Entry<T> right;

    Entry(
            Waiting<T> waiting,
            Estimate estimate,
            ClassQueue<T> classQueue,
            TenantLine<T> line,
            long arrival,
            long nowNanos) {
        this.waiting = waiting;
        this.classQueue = classQueue;
        this.line = line;
        this.arrival = arrival;
        this.level = scatter(arrival);
        this.workNanos = Math.max(1, Math.round(estimate.workMillis() * 1e6));
        this.subtreeWorkNanos = workNanos;
        long deadline = waiting.request().deadlineNanos();
        this.latestStartNanos =
                hasDeadline()
                        ? deadline - Math.round(estimate.firstTokenMillis() * 1e6)
                        : Long.MAX_VALUE;
        this.dueNanos = Math.min(deadline, nowNanos + classQueue.options().patience().toNanos());
    }

    RouteRequest request() {
        return waiting.request();
    }

    boolean hasDeadline() {
        return request().deadlineNanos() != Long.MAX_VALUE;
    }

    /** Another that was behind it in turn has started. */
    void passed(long nowNanos) {
        if (passes == 0) {
            firstPassedNanos = nowNanos;
        }
        passes++;
    }

    /** Whether nobody may pass it any more. */
    boolean overdue(long nowNanos, QueueOptions options) {
        return passes > 0
                && (passes >= options.maxPasses()
                        || nowNanos - firstPassedNanos >= options.passTime().toNanos());
    }

    /** Evenly spread and the same in every run: the last steps of SplitMix64. */
    private static long scatter(long number) {
        long mixed = (number ^ (number >>> 30)) * 0xbf58476d1ce4e5b9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94d049bb133111ebL;
        return mixed ^ (mixed >>> 31);
    }
}
