package dev.stator.routing.queue;

import dev.stator.routing.RouteRequest;

/**
 * A request as tests ask for it.
 *
 * @param workMillis what it is charged
 * @param firstTokenMillis from start to first token
 */
record Asked(
        long id,
        String tenant,
        int priority,
        int promptTokens,
        double workMillis,
        double firstTokenMillis,
        long deadlineNanos) {
    /** One tenant, standard, 100 tokens, 100 ms of work, 10 ms to the first token, no deadline. */
    static Asked request(long id) {
        return new Asked(id, "", 0, 100, 100, 10, Long.MAX_VALUE);
    }

    Asked of(String other) {
        return new Asked(
                id, other, priority, promptTokens, workMillis, firstTokenMillis, deadlineNanos);
    }

    Asked priority(int other) {
        return new Asked(
                id, tenant, other, promptTokens, workMillis, firstTokenMillis, deadlineNanos);
    }

    Asked tokens(int other) {
        return new Asked(id, tenant, priority, other, workMillis, firstTokenMillis, deadlineNanos);
    }

    Asked work(double millis) {
        return new Asked(
                id, tenant, priority, promptTokens, millis, firstTokenMillis, deadlineNanos);
    }

    Asked firstToken(double millis) {
        return new Asked(id, tenant, priority, promptTokens, workMillis, millis, deadlineNanos);
    }

    Asked dueAt(double millis) {
        return new Asked(
                id,
                tenant,
                priority,
                promptTokens,
                workMillis,
                firstTokenMillis,
                Math.round(millis * 1e6));
    }

    RouteRequest route() {
        return new RouteRequest(
                id, new long[0], 32, promptTokens, 0, tenant, priority, deadlineNanos);
    }

    Estimate estimate() {
        return new Estimate(workMillis, firstTokenMillis);
    }
}
