package dev.stator.routing.queue;

import java.util.List;
import java.util.Map;

/**
 * A queue at one moment.
 *
 * @param classes highest first
 * @param shed how many requests were shed so far, by cause
 * @param draining whether nobody is taken in any more
 */
public record QueueState(
        List<ClassState> classes, Map<Admission.Cause, Long> shed, boolean draining) {
    /**
     * @param requests that wait
     * @param promptTokens of these
     * @param workMillis predicted work of these
     * @param drainMillis predicted time until all of these have started; 0 while nothing has been
     *     measured
     */
    public record ClassState(
            String name, int requests, long promptTokens, double workMillis, double drainMillis) {}

    public int requests() {
        return classes.stream().mapToInt(ClassState::requests).sum();
    }

    public long shedRequests() {
        return shed.values().stream().mapToLong(Long::longValue).sum();
    }
}
