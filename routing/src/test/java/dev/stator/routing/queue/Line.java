package dev.stator.routing.queue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/** A queue on a clock that the test moves, and what it said. */
final class Line {
    final Map<Long, Admission.Shed> shed = new LinkedHashMap<>();
    final List<Long> askedFor = new ArrayList<>();
    final List<Long> overdues = new ArrayList<>();
    final RequestQueue<Long> queue;
    long nanos;

    Line(QueueOptions options) {
        queue = new RequestQueue<>(options, () -> nanos, shed::put);
    }

    Admission offer(Asked asked) {
        return queue.offer(asked.route(), asked.estimate(), asked.id());
    }

    void queued(Asked... requests) {
        for (var asked : requests) {
            if (offer(asked) instanceof Admission.Shed(_, _, var reason)) {
                throw new AssertionError("request %d was shed: %s".formatted(asked.id(), reason));
            }
        }
    }

    void pass(double millis) {
        nanos += Math.round(millis * 1e6);
    }

    /** Starts the next one that needs no more than so many tokens. */
    Optional<Long> startUpTo(long tokens) {
        queue.roomChanged();
        return start(needed -> needed <= tokens);
    }

    /** Without room having changed. */
    Optional<Long> start(Predicate<Long> fits) {
        var started = new ArrayList<Long>();
        queue.startNext(
                (request, overdue) -> {
                    askedFor.add(request.id());
                    if (overdue) {
                        overdues.add(request.id());
                    }
                    return fits.test((long) request.promptTokens())
                            ? Optional.of(request.id())
                            : Optional.empty();
                },
                (Long payload, Long request) -> {
                    if (!payload.equals(request)) {
                        throw new AssertionError(payload + " came with request " + request);
                    }
                    started.add(payload);
                });
        return started.stream().findFirst();
    }

    Optional<Long> start() {
        return startUpTo(Long.MAX_VALUE);
    }

    /** Starts all that waits, or this many. */
    List<Long> startAll(int atMost) {
        var started = new ArrayList<Long>();
        for (var next = Optional.of(0L); started.size() < atMost && next.isPresent(); ) {
            next = start();
            next.ifPresent(started::add);
        }
        return started;
    }

    List<Long> startAll() {
        return startAll(Integer.MAX_VALUE);
    }
}
