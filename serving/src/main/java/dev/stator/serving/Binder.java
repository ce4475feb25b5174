package dev.stator.serving;

import dev.stator.cache.ClaimState;
import dev.stator.routing.Decision;
import dev.stator.routing.Dispatcher;
import dev.stator.routing.Plan;
import dev.stator.routing.Router;
import dev.stator.routing.Ticker;
import dev.stator.routing.queue.QueueOptions;
import dev.stator.routing.queue.QueueState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Carries out what the {@link Dispatcher} decides: hands requests to workers, or tells them that
 * they are shed.
 *
 * <p>When a request is bound, the blocks that nobody has are claimed for the worker that will
 * compute them. The dispatcher makes its calls one after the other, in the order of its decisions,
 * so a request only ever waits for blocks of requests bound before it: waiting cannot go round in a
 * circle.
 */
final class Binder implements Dispatcher.Binding<Request>, AutoCloseable {
    /** How long a request waits for a worker to come back. */
    private static final long PATIENCE_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final List<Worker> decode;
    private final List<Worker> prefill;
    private final Router router;
    private final Blocks blocks;
    private final Dispatcher<Request> dispatcher;
    private final Ahead ahead;
    private final QueueClock clock;

    /** Between binding and stopping: nothing is handed to workers that may have ended. */
    private final ReentrantLock binding = new ReentrantLock();

    private boolean stopped;

    /** Those whose worker was lost while there was no other, and since when. */
    private final Map<Request, Long> parked = new ConcurrentHashMap<>();

    Binder(
            QueueOptions options,
            List<Worker> decode,
            List<Worker> prefill,
            Router router,
            Blocks blocks) {
        this.decode = decode;
        this.prefill = prefill;
        this.router = router;
        this.blocks = blocks;
        this.dispatcher = new Dispatcher<>(options, router, Ticker.system(), this);
        this.ahead = new Ahead(blocks, dispatcher);
        this.clock = new QueueClock(dispatcher, this::pump);
    }

    /** Once the workers run. */
    void start() {
        clock.start();
    }

    /** The request may be bound, or shed, before this returns. */
    Admission submit(Request request) {
        var answer = dispatcher.submit(request.route(), request);
        queueChanged();
        return switch (answer) {
            case dev.stator.routing.queue.Admission.Queued _ -> request;
            case dev.stator.routing.queue.Admission.Shed shed -> shed(shed);
        };
    }

    /** Starts what can start. Called when a worker has news. */
    void pump() {
        // A copy: who is parked again must not come round for ever.
        for (var request : List.copyOf(parked.keySet())) {
            Optional.ofNullable(parked.remove(request)).ifPresent(since -> goOn(request, since));
        }
        dispatcher.pump();
        queueChanged();
    }

    /** Sends a request whose worker was lost to another, past the queue: it has had its turn. */
    void goOn(Request request) {
        goOn(request, System.nanoTime());
    }

    /**
     * @param since when it lost its worker
     */
    private void goOn(Request request, long since) {
        var decision = router.decide(request.route(), true);
        if (decision.isPresent()) {
            router.dispatched(decision.get());
            bind(request, decision.get());
        } else if (System.nanoTime() - since > PATIENCE_NANOS) {
            request.listener()
                    .onFailure(
                            "no worker has come back for %d s"
                                    .formatted(TimeUnit.NANOSECONDS.toSeconds(PATIENCE_NANOS)));
        } else {
            park(request, since);
        }
    }

    private void park(Request request, long since) {
        parked.put(request, since);
        if (request.cancelled() && parked.remove(request) != null) {
            request.listener().onFinish(FinishReason.CANCELLED, "", request.account());
        }
    }

    /**
     * @return whether the request was still waiting, which it does no longer
     */
    boolean remove(Request request) {
        boolean waited = dispatcher.remove(request.route().id()) || parked.remove(request) != null;
        if (waited) {
            ahead.left(request);
        }
        queueChanged();
        return waited;
    }

    void drain() {
        dispatcher.drain();
    }

    /**
     * Empties the queue and binds nothing from then on; requests that would have been bound hear
     * so.
     */
    List<Request> abandon() {
        var left = new ArrayList<>(dispatcher.abandon());
        left.forEach(ahead::left);
        binding.lock();
        try {
            stopped = true;
        } finally {
            binding.unlock();
        }
        for (var request : parked.keySet()) {
            if (parked.remove(request) != null) {
                left.add(request);
            }
        }
        return left;
    }

    QueueState state() {
        return dispatcher.state();
    }

    private void queueChanged() {
        if (ahead.refresh()) {
            clock.reconsider();
        }
    }

    @Override
    public void bind(Request request, Decision decision) {
        boolean bound = hand(request, decision);
        // Its own pins hold its blocks now.
        ahead.left(request);
        if (!bound) {
            router.finished(decision.request().id());
            request.listener().onFailure("the server stops");
        }
    }

    /**
     * @return false if the workers may have ended
     */
    private boolean hand(Request request, Decision decision) {
        binding.lock();
        try {
            if (!stopped) {
                request.dispatched(decision, blocks.pin(request.wantedKeys()));
                blocks.fetch(request, decision.plan());
                assign(request, decision.plan(), claim(request, decision.plan()));
            }
            return !stopped;
        } finally {
            binding.unlock();
        }
    }

    /**
     * @return whether there is anything left to compute
     */
    private boolean claim(Request request, Plan plan) {
        var claimant =
                switch (plan) {
                    case Plan.Aggregated _ -> request.decodeClaimant;
                    case Plan.Split _ -> request.prefillClaimant;
                };
        boolean computes = false;
        for (var key : request.promptKeys()) {
            computes |= blocks.claim(key, claimant) == ClaimState.MINE;
        }
        return computes;
    }

    private void assign(Request request, Plan plan, boolean computes) {
        if (plan instanceof Plan.Split && computes) {
            named(prefill, plan.prefillWorker()).assign(request);
        }
        named(decode, plan.decodeWorker()).assign(request);
    }

    private static Worker named(List<Worker> workers, String id) {
        return workers.stream().filter(worker -> worker.id().equals(id)).findFirst().orElseThrow();
    }

    @Override
    public void shed(Request request, dev.stator.routing.queue.Admission.Shed shed) {
        ahead.left(request);
        request.listener().onShed(shed(shed));
    }

    private static Admission.Shed shed(dev.stator.routing.queue.Admission.Shed shed) {
        return new Admission.Shed(shed.cause(), shed.retryAfterSeconds(), shed.reason());
    }

    /** Stops the clock; the queue must have been {@linkplain #abandon() abandoned}. */
    @Override
    public void close() {
        clock.close();
    }
}
