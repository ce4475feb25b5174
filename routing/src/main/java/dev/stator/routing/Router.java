package dev.stator.routing;

import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import dev.stator.routing.queue.Estimate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;

/**
 * Decides where each request runs and where its blocks come from, by its {@link Policy}.
 *
 * <p>A request goes through {@link #decide}, {@link #dispatched}, {@link #firstToken} and {@link
 * #finished}. What the router knows of workers it is told: {@link #join} and {@link #leave}, {@link
 * #report}, and what their steps and moves took. What it is told of a worker that it does not know,
 * because it has left, is ignored.
 *
 * <p>Thread-safe: one lock guards everything but the index, which has its own and is shared with
 * whoever feeds it.
 */
public final class Router {
    /** A request that was dispatched and has not ended. */
    private static final class Flight {
        final Decision decision;

        /** What was predicted of each stage, less the correction of that stage at that time. */
        final double[] uncorrected = new double[Stage.values().length];

        /** What was predicted of queue and prefill together, less what contention was learned. */
        double uncontended;

        final double prefillPace;
        final double decodePace;

        Flight(Decision decision, double prefillPace, double decodePace) {
            this.decision = decision;
            this.prefillPace = prefillPace;
            this.decodePace = decodePace;
        }
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final RouterOptions options;
    private final BlockIndex index;
    private final Ticker ticker;
    private final Fleet fleet;
    private final Situation situation;
    private final Strategy strategy;
    private final Map<Long, Flight> flights = new HashMap<>();
    private final Decisions decisions;
    private final PredictionErrors errors = new PredictionErrors();
    private long number;

    /**
     * @param index where blocks are; others feed it
     * @param random for policies that draw, and to break ties
     */
    public Router(RouterOptions options, BlockIndex index, Ticker ticker, RandomGenerator random) {
        this.options = options;
        this.index = index;
        this.ticker = ticker;
        this.fleet = new Fleet();
        var holdings = new Holdings(index, fleet, options.peerTiers());
        this.situation =
                new Situation(fleet, holdings, new Predictor(fleet, holdings, options), options);
        this.strategy = Strategy.of(options, random);
        this.decisions = new Decisions(options.keptDecisions());
    }

    /** A worker of the same id that is already there is replaced: it has started anew. */
    public void join(WorkerSpec spec) {
        leave(spec.id());
        hear(() -> fleet.join(spec, ticker.nanos()));
    }

    /** The worker and what its device held are gone. */
    public void leave(String worker) {
        hear(() -> fleet.leave(worker));
        index.drop(new Place(Tier.DEVICE, worker));
    }

    public void report(String worker, WorkerLoad load) {
        hear(() -> fleet.worker(worker).ifPresent(known -> known.report(load, ticker.nanos())));
    }

    /** What one step of a worker's engine took. */
    public void step(String worker, Step step, double millis) {
        hear(
                () ->
                        fleet.worker(worker)
                                .ifPresent(known -> known.stepped(step, millis, ticker.nanos())));
    }

    /** What it took a worker to bring so many tokens of KV to its device in one go. */
    public void moved(String worker, Place from, long tokens, double millis) {
        hear(
                () ->
                        fleet.worker(worker)
                                .ifPresent(
                                        known -> {
                                            boolean own = from.owner().equals(known.spec.node());
                                            var link = Link.to(from.tier(), own);
                                            known.speeds.moved(link, tokens, millis);
                                        }));
    }

    /** What changes here makes the last look at the fleet out of date. */
    private void hear(Runnable news) {
        lock.lock();
        try {
            situation.outdate();
            news.run();
        } finally {
            lock.unlock();
        }
    }

    /**
     * What a request costs if it starts at once where its first token comes soonest. Without
     * workers nothing is known of speeds: then work is its tokens.
     */
    public Estimate estimate(RouteRequest request) {
        lock.lock();
        try {
            situation.begin(request, true, ticker.nanos());
            situation.read();
            return situation.predictor.estimate();
        } finally {
            lock.unlock();
        }
    }

    /** {@link #decide(RouteRequest, boolean)} for a request that can wait. */
    public Optional<Decision> decide(RouteRequest request) {
        return decide(request, false);
    }

    /**
     * Chooses a plan. Changes nothing until the decision is {@linkplain #dispatched dispatched}.
     *
     * @param overdue whether it has waited long enough: it is bound to the best worker even if that
     *     has no room yet
     * @return empty if no worker can start the request now, or if it is better off waiting for one
     *     that cannot. Worth asking again when a worker has reported, and now and then, as a worker
     *     may never report again
     */
    public Optional<Decision> decide(RouteRequest request, boolean overdue) {
        lock.lock();
        try {
            long now = ticker.nanos();
            situation.begin(request, overdue, now);
            if (!strategy.learnsFromRefusals() && !situation.hasRoom()) {
                // A full fleet is asked again and again, so that must cost next to nothing.
                return Optional.empty();
            }
            situation.read();
            return strategy.choose(situation)
                    .map(
                            choice ->
                                    new Decision(
                                            ++number,
                                            now,
                                            request,
                                            choice.plan(),
                                            choice.candidates()));
        } finally {
            lock.unlock();
        }
    }

    /**
     * The decision is being carried out. Until the workers' reports include it the router counts
     * its work itself, and its blocks as being where they will be.
     */
    public void dispatched(Decision decision) {
        hear(
                () -> {
                    long now = ticker.nanos();
                    flights.put(decision.request().id(), flight(decision, now));
                    book(decision, now);
                    decisions.add(decision);
                    strategy.dispatched(decision);
                    situation.predictor.dispatched(decision.request());
                    expect(decision, now);
                });
    }

    private Flight flight(Decision decision, long now) {
        var plan = decision.plan();
        var prefill = fleet.worker(plan.prefillWorker());
        var decode = fleet.worker(plan.decodeWorker());
        var flight =
                new Flight(
                        decision,
                        prefill.map(worker -> worker.pace(now)).orElse(1.0),
                        decode.map(worker -> worker.pace(now)).orElse(1.0));
        for (var stage : Stage.values()) {
            var worker = stage == Stage.HANDOFF ? decode : prefill;
            double factor = worker.map(known -> known.factor(stage, now)).orElse(1.0);
            flight.uncorrected[stage.ordinal()] = alone(stage, plan.prediction()) / factor;
        }
        flight.uncontended = contended(plan) / prefill.map(w -> w.contention(now)).orElse(1.0);
        return flight;
    }

    private static double alone(Stage stage, Prediction prediction) {
        return switch (stage) {
            case QUEUE -> prediction.alone().queueMillis();
            case PREFILL -> prediction.alone().prefillMillis();
            case FETCH, HANDOFF, FIRST_TOKEN -> stage.of(prediction);
        };
    }

    private static double contended(Plan plan) {
        return plan.prediction().queueMillis() + plan.prediction().prefillMillis();
    }

    private void book(Decision decision, long now) {
        var request = decision.request();
        var plan = decision.plan();
        int had = request.reusable(plan.supply().blocks());
        int computed = request.promptTokens() - had;
        double attended = Step.attended(had, computed);
        long answered = request.answeredTokens();
        employ(request, plan, computed, attended);
        switch (plan) {
            case Plan.Aggregated all ->
                    book(all.worker(), decision, now, computed, attended, answered);
            case Plan.Split split -> {
                book(
                        split.prefillWorker(),
                        decision,
                        now,
                        computed,
                        attended,
                        request.promptTokens());
                book(split.decodeWorker(), decision, now, 0, 0, answered);
            }
        }
    }

    private void employ(RouteRequest request, Plan plan, double tokens, double attended) {
        double output = request.outputTokens();
        boolean split = plan instanceof Plan.Split;
        if (split) {
            fleet.worker(plan.prefillWorker())
                    .ifPresent(
                            worker ->
                                    worker.jobs.add(
                                            new Jobs.Job(
                                                    request.id(), tokens, attended, 0, output)));
        }
        double own = split ? 0 : tokens;
        fleet.worker(plan.decodeWorker())
                .ifPresent(
                        worker ->
                                worker.jobs.add(
                                        new Jobs.Job(request.id(), own, attended, output, output)));
    }

    private void book(
            String worker,
            Decision decision,
            long now,
            double tokens,
            double attended,
            long kvTokens) {
        fleet.worker(worker)
                .ifPresent(
                        known ->
                                known.book(
                                        new WorkerState.Booking(
                                                decision.number(),
                                                decision.request().id(),
                                                now,
                                                tokens,
                                                attended,
                                                kvTokens)));
    }

    private void expect(Decision decision, long now) {
        index.expire(now);
        var plan = decision.plan();
        double millis = plan.prediction().firstTokenMillis() + options.expectMillis();
        long until = now + (long) (millis * 1e6);
        expect(plan.prefillWorker(), decision.request(), plan.supply(), until);
        if (plan instanceof Plan.Split split && options.expectIn() == Tier.DEVICE) {
            expect(split.decodeWorker(), decision.request(), split.decodeSupply(), until);
        }
    }

    private void expect(String worker, RouteRequest request, Supply supply, long until) {
        fleet.worker(worker)
                .ifPresent(
                        known -> {
                            boolean kept = options.expectIn() == Tier.DEVICE;
                            var owner = kept ? worker : known.spec.node();
                            int place = index.place(new Place(options.expectIn(), owner));
                            long[] keys = request.keys();
                            int from = kept ? supply.heldBlocks() : supply.blocks();
                            index.expect(place, keys, from, keys.length, until);
                        });
    }

    /** The first token of a request is there, and what it took. Ignored if it is not on its way. */
    public void firstToken(long request, Actual actual) {
        hear(
                () ->
                        Optional.ofNullable(flights.get(request))
                                .ifPresent(flight -> began(request, flight, actual)));
    }

    private void began(long request, Flight flight, Actual actual) {
        var plan = flight.decision.plan();
        errors.add(plan.prediction(), actual);
        decisions.complete(request, actual);
        strategy.firstToken(request);
        fleet.worker(plan.prefillWorker())
                .ifPresent(
                        worker -> {
                            if (plan instanceof Plan.Split) {
                                // Its part is over, whether or not it had to do any.
                                worker.unbook(request);
                                worker.jobs.remove(request);
                            }
                            learn(flight, worker, Stage.QUEUE, actual, flight.prefillPace);
                            learn(flight, worker, Stage.FETCH, actual, flight.prefillPace);
                            learn(flight, worker, Stage.PREFILL, actual, flight.prefillPace);
                            worker.contended(
                                    actual.queueMillis() + actual.prefillMillis(),
                                    flight.uncontended,
                                    ticker.nanos());
                        });
        fleet.worker(plan.decodeWorker())
                .ifPresent(
                        worker -> {
                            worker.jobs.firstToken(request);
                            learn(flight, worker, Stage.HANDOFF, actual, flight.decodePace);
                        });
    }

    /**
     * What the worker's pace has become since explains its part of the difference; the rest is the
     * stage's.
     */
    private void learn(
            Flight flight, WorkerState worker, Stage stage, Actual actual, double paceThen) {
        double predicted = flight.uncorrected[stage.ordinal()];
        double measured = stage.of(actual);
        if (predicted > 0 || measured > 0) {
            long now = ticker.nanos();
            double pace = stage == Stage.FETCH ? 1 : worker.pace(now) / paceThen;
            worker.took(stage, measured, predicted * pace, now);
        }
    }

    /** A request has ended, however. Must follow each {@link #dispatched}. */
    public void finished(long request) {
        hear(
                () -> {
                    var flight = flights.remove(request);
                    if (flight != null) {
                        var plan = flight.decision.plan();
                        fleet.worker(plan.prefillWorker()).ifPresent(its -> its.ended(request));
                        fleet.worker(plan.decodeWorker()).ifPresent(its -> its.ended(request));
                        strategy.finished(request);
                    }
                });
    }

    /** Requests that were dispatched and have not ended. */
    public int flying() {
        lock.lock();
        try {
            return flights.size();
        } finally {
            lock.unlock();
        }
    }

    /** A decision that was dispatched, if it is still kept. */
    public Optional<Explained> explain(long request) {
        lock.lock();
        try {
            return decisions.find(request);
        } finally {
            lock.unlock();
        }
    }

    /** The last decisions that were dispatched, latest first. */
    public List<Explained> latest(int count) {
        lock.lock();
        try {
            return decisions.latest(count);
        } finally {
            lock.unlock();
        }
    }

    /** How far predictions were off lately, by stage; empty before the first token of all. */
    public Map<Stage, PredictionError> predictionErrors() {
        lock.lock();
        try {
            return errors.all();
        } finally {
            lock.unlock();
        }
    }
}
