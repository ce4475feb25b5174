package dev.stator.routing;

import dev.stator.routing.queue.Admission;
import dev.stator.routing.queue.QueueOptions;
import dev.stator.routing.queue.QueueState;
import dev.stator.routing.queue.RequestQueue;
import dev.stator.routing.queue.Waiting;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Binds requests to workers as late as possible: they wait in a {@link RequestQueue} until the
 * {@link Router} finds a worker that can start the next one now.
 *
 * <p>Thread-safe. One lock guards the queue and is held while the router decides (the router's own
 * lock and the index's are taken within it, never the other way round). No lock is held while
 * {@link Binding} is called. Its calls come in the order in which the router decided, one after the
 * other, on whichever thread is in a method here; so what a call does is seen by all calls that
 * follow, and a request that waits for blocks of another only ever waits for one bound before it.
 *
 * @param <T> what the owner knows a request by
 */
public final class Dispatcher<T> {
    /** What becomes of requests. Must not throw; may call the dispatcher, and must be quick. */
    public interface Binding<T> {
        /**
         * The request starts by this decision, which the router counts as dispatched: {@link
         * Router#finished} must follow.
         */
        void bind(T payload, Decision decision);

        /** The request has waited and will not start. */
        void shed(T payload, Admission.Shed shed);
    }

    private sealed interface Call<T> {
        record Bind<T>(T payload, Decision decision) implements Call<T> {}

        record Shed<T>(T payload, Admission.Shed shed) implements Call<T> {}
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Router router;
    private final RequestQueue<T> queue;
    private final Binding<T> binding;

    /** Still to be made. */
    private final Deque<Call<T>> calls = new ArrayDeque<>();

    /** Whether one is being made. */
    private boolean calling;

    public Dispatcher(QueueOptions options, Router router, Ticker ticker, Binding<T> binding) {
        this.router = router;
        this.binding = binding;
        this.queue =
                new RequestQueue<>(
                        options,
                        ticker,
                        (payload, shed) -> calls.add(new Call.Shed<>(payload, shed)));
    }

    /**
     * Takes a request in and starts what can start, which may be this one: it may be bound before
     * this returns.
     *
     * @throws IllegalArgumentException if a request of this id waits already
     */
    public Admission submit(RouteRequest request, T payload) {
        var estimate = router.estimate(request);
        Admission admission;
        lock.lock();
        try {
            admission = queue.offer(request, estimate, payload);
            startAll();
            var refused = queue.refuse(request.id());
            if (refused.isPresent()) {
                admission = refused.get();
            }
        } finally {
            lock.unlock();
        }
        call();
        return admission;
    }

    /**
     * Starts what can start and sheds what has become too late. To be called when a worker may have
     * room again, when the fleet changes, and at {@link #wakeNanos()}.
     */
    public void pump() {
        lock.lock();
        try {
            queue.roomChanged();
            startAll();
        } finally {
            lock.unlock();
        }
        call();
    }

    /** When to call {@link #pump()} even if nothing happens; {@link Long#MAX_VALUE} for never. */
    public long wakeNanos() {
        lock.lock();
        try {
            return queue.wakeNanos();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes a request back.
     *
     * @return whether {@link Binding} has not heard of it and will not; false if it is bound, shed,
     *     or unknown
     */
    public boolean remove(long request) {
        boolean removed;
        lock.lock();
        try {
            removed = queue.remove(request).isPresent() || takeBack(request);
            startAll();
        } finally {
            lock.unlock();
        }
        call();
        return removed;
    }

    /** The next requests, in order of turn: see {@link RequestQueue#upcoming}. */
    public List<Waiting<T>> upcoming(int count) {
        lock.lock();
        try {
            return queue.upcoming(count);
        } finally {
            lock.unlock();
        }
    }

    /** Sheds whoever comes from now on. Who waits still starts. */
    public void drain() {
        lock.lock();
        try {
            queue.drain();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Drains, and gives back whoever waits, in order of turn: {@link Binding} will not hear of
     * them.
     */
    public List<T> abandon() {
        lock.lock();
        try {
            queue.drain();
            var left = new ArrayList<T>();
            for (var call : List.copyOf(calls)) {
                if (call instanceof Call.Bind<T>(var payload, var decision)) {
                    takeBack(decision.request().id());
                    left.add(payload);
                }
            }
            left.addAll(queue.clear());
            return left;
        } finally {
            lock.unlock();
        }
    }

    public QueueState state() {
        lock.lock();
        try {
            return queue.state();
        } finally {
            lock.unlock();
        }
    }

    private void startAll() {
        while (queue.startNext(router::decide, this::start)) {
            // Each start changes what the router decides next.
        }
    }

    private void start(T payload, Decision decision) {
        if (late(decision)) {
            double millis = soonest(decision);
            calls.add(new Call.Shed<>(payload, queue.refuseLate(decision.request(), millis)));
            return;
        }
        router.dispatched(decision);
        calls.add(new Call.Bind<>(payload, decision));
    }

    /**
     * Whether no plan makes the request's deadline. What waits at the workers themselves is known
     * only now.
     */
    private boolean late(Decision decision) {
        long deadline = decision.request().deadlineNanos();
        return deadline != Long.MAX_VALUE && soonest(decision) * 1e6 > deadline - decision.nanos();
    }

    private static double soonest(Decision decision) {
        return decision.candidates().stream()
                .mapToDouble(plan -> plan.prediction().firstTokenMillis())
                .reduce(decision.plan().prediction().firstTokenMillis(), Math::min);
    }

    /** Undoes a decision that {@link Binding} has not heard of. */
    private boolean takeBack(long request) {
        boolean found =
                calls.removeIf(
                        call ->
                                call instanceof Call.Bind<T> bind
                                        && bind.decision().request().id() == request);
        if (found) {
            router.finished(request);
            queue.roomChanged();
        }
        return found;
    }

    /** Makes the calls that are due, unless a call is being made: who makes that one goes on. */
    private void call() {
        lock.lock();
        try {
            while (!calling && !calls.isEmpty()) {
                var call = calls.remove();
                calling = true;
                lock.unlock();
                try {
                    make(call);
                } finally {
                    lock.lock();
                    calling = false;
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void make(Call<T> call) {
        switch (call) {
            case Call.Bind<T>(var payload, var decision) -> binding.bind(payload, decision);
            case Call.Shed<T>(var payload, var shed) -> binding.shed(payload, shed);
        }
    }
}
