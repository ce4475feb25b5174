package dev.stator.serving;

import dev.stator.cache.ClaimState;
import dev.stator.routing.Decision;
import dev.stator.routing.Plan;
import dev.stator.routing.Router;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The one bounded queue in front of the workers. A request is bound to workers only when the router
 * says so, in order of arrival.
 *
 * <p>At that moment the blocks that nobody has are claimed for the worker that will compute them.
 * As claims are made in the order of the queue, a request only ever waits for blocks of requests
 * before it: waiting cannot go round in a circle.
 */
final class Dispatcher {
    private static final int MIN_RETRY_SECONDS = 1;
    private static final int MAX_RETRY_SECONDS = 60;

    private final int maxQueue;
    private final List<Worker> decode;
    private final List<Worker> prefill;
    private final Router router;
    private final Blocks blocks;
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<Request> queue = new ArrayDeque<>();
    private boolean draining;
    private long shed;
    private double secondsPerRequest = 1;
    private long lastDispatchNanos;

    Dispatcher(
            int maxQueue, List<Worker> decode, List<Worker> prefill, Router router, Blocks blocks) {
        this.maxQueue = maxQueue;
        this.decode = decode;
        this.prefill = prefill;
        this.router = router;
        this.blocks = blocks;
    }

    Admission submit(Request request) {
        lock.lock();
        try {
            if (draining) {
                shed++;
                return new Admission.Shed(MIN_RETRY_SECONDS, "the server is shutting down");
            }
            queue.add(request);
            pump();
            if (queue.size() > maxQueue) {
                queue.removeLast();
                shed++;
                return new Admission.Shed(
                        retryAfter(),
                        "all workers are busy and the queue of %d requests is full"
                                .formatted(maxQueue));
            }
            return request;
        } finally {
            lock.unlock();
        }
    }

    /** Dispatches what can start. Called when a request arrives and when a worker has news. */
    void pump() {
        lock.lock();
        try {
            while (!queue.isEmpty()) {
                var decision = router.decide(queue.peek().route());
                if (decision.isEmpty()) {
                    return;
                }
                dispatch(queue.remove(), decision.get());
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * @return whether the request was still in the queue, which it has left now
     */
    boolean remove(Request request) {
        lock.lock();
        try {
            return queue.remove(request);
        } finally {
            lock.unlock();
        }
    }

    void drain() {
        lock.lock();
        try {
            draining = true;
        } finally {
            lock.unlock();
        }
    }

    /** Empties the queue. */
    List<Request> abandon() {
        lock.lock();
        try {
            draining = true;
            var left = List.copyOf(queue);
            queue.clear();
            return left;
        } finally {
            lock.unlock();
        }
    }

    record State(int queued, long shed, boolean draining) {}

    State state() {
        lock.lock();
        try {
            return new State(queue.size(), shed, draining);
        } finally {
            lock.unlock();
        }
    }

    private void dispatch(Request request, Decision decision) {
        var plan = decision.plan();
        request.dispatched(decision, blocks.pin(request.promptKeys()));
        router.dispatched(decision);
        var claimant =
                switch (plan) {
                    case Plan.Aggregated _ -> request.decodeClaimant;
                    case Plan.Split _ -> request.prefillClaimant;
                };
        boolean computes = false;
        for (var key : request.promptKeys()) {
            computes |= blocks.claim(key, claimant) == ClaimState.MINE;
        }
        if (plan instanceof Plan.Split && computes) {
            named(prefill, plan.prefillWorker()).assign(request);
        }
        named(decode, plan.decodeWorker()).assign(request);
        measure();
    }

    private static Worker named(List<Worker> workers, String id) {
        return workers.stream().filter(worker -> worker.id().equals(id)).findFirst().orElseThrow();
    }

    /**
     * Mean seconds between dispatches while there is a queue: what a request at its end has to wait
     * for each one before it.
     */
    private void measure() {
        long now = System.nanoTime();
        if (!queue.isEmpty() && lastDispatchNanos != 0) {
            secondsPerRequest += 0.1 * ((now - lastDispatchNanos) / 1e9 - secondsPerRequest);
        }
        lastDispatchNanos = now;
    }

    private int retryAfter() {
        return (int)
                Math.clamp(
                        (long) Math.ceil(secondsPerRequest * (queue.size() + 1)),
                        MIN_RETRY_SECONDS,
                        MAX_RETRY_SECONDS);
    }
}
