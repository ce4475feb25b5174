package dev.stator.routing;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * What a router knows of one worker: its last report, what was sent to it since, and how much
 * slower or faster than its kind it is.
 *
 * <p>A decision looks at every worker, and each object that it follows is a cache miss. So what it
 * needs is copied into plain fields whenever something is heard, and corrections, which change with
 * time, are looked up only now and then.
 */
final class WorkerState {
    // A pace is measured at every step and must show soon that a worker has become slow; half of it
    // is
    // forgotten after so long without steps.
    private static final double PACE_RISE_MILLIS = 200;
    private static final double PACE_FALL_MILLIS = 1000;
    private static final double PACE_HALF_LIFE_MILLIS = 20_000;

    // What stages take beyond that differs from prompt to prompt: one that shares its step with
    // others
    // takes longer. So rises and falls count alike.
    private static final double STAGE_MILLIS = 5000;
    private static final double STAGE_HALF_LIFE_MILLIS = 60_000;

    /** For so long corrections are taken not to change by themselves. */
    private static final long FACTORS_NANOS = 100_000_000;

    /** A report that is due is overdue after this many times the usual distance of reports. */
    private static final double PATIENCE_GAPS = 3;

    private static final double PATIENCE_MILLIS = 100;
    private static final double GAP_WEIGHT = 0.1;

    /**
     * Durations of a stage are compared with this much added to both, as the ratio of two that are
     * almost nothing says nothing.
     */
    private static final double COMPARABLE_MILLIS = 5;

    private static final double STEP_TOKENS_DECAY = 0.95;
    private static final double LEAST_STEP_MILLIS = 1e-3;
    private static final int STAGES = Stage.values().length;

    /**
     * Work that was sent and that no report includes yet.
     *
     * @param tokens prompt tokens to compute
     * @param attended what they attend to
     * @param kvTokens room that it takes
     */
    record Booking(
            long number, long request, long nanos, double tokens, double attended, long kvTokens) {}

    final WorkerSpec spec;
    final Speeds speeds;

    final Jobs jobs = new Jobs();
    private final Deque<Booking> unseen = new ArrayDeque<>();
    private final Correction paceCorrection;
    private final Correction contention;
    private final Correction[] corrections = new Correction[STAGES];
    private WorkerLoad load;
    private long reportNanos;
    private double reportGapMillis;

    // Copies: of the specification, of the report with the bookings, of the corrections.
    private final boolean prefills;
    private final boolean generates;
    private final int maxRunning;
    private final long kvTokens;
    private final int stepTokens;
    private final int mixedStepTokens;
    private int running;
    private long contextTokens;
    private int waitingPrompts;
    private double waitingTokens;
    private double waitingAttended;
    private long freeTokens;
    private double comingTokens;

    /** Since when a report is to be expected; {@link Long#MAX_VALUE} if none is. */
    private long quietNanos;

    /** Since when the work that waits has been going on, as far as no report says otherwise. */
    private long workNanos;

    private double pace = 1;
    private double queueFactor = 1;
    private double fetchFactor = 1;
    private double prefillFactor = 1;
    private double handoffFactor = 1;
    private long factorsNanos;
    private double usualStepTokens;

    WorkerState(WorkerSpec spec, Speeds speeds, long now) {
        this.spec = spec;
        this.speeds = speeds;
        this.prefills = spec.role().prefills();
        this.generates = spec.role().generates();
        this.maxRunning = spec.maxRunning();
        this.kvTokens = spec.kvTokens();
        this.stepTokens = spec.stepTokens();
        this.mixedStepTokens = spec.mixedStepTokens();
        this.load = new WorkerLoad(0, 0, 0, 0, 0, spec.kvTokens(), 0);
        this.reportNanos = now;
        this.factorsNanos = now;
        this.paceCorrection =
                new Correction(PACE_RISE_MILLIS, PACE_FALL_MILLIS, PACE_HALF_LIFE_MILLIS, now);
        this.contention = new Correction(STAGE_MILLIS, STAGE_MILLIS, STAGE_HALF_LIFE_MILLIS, now);
        Arrays.setAll(
                corrections,
                _ -> new Correction(STAGE_MILLIS, STAGE_MILLIS, STAGE_HALF_LIFE_MILLIS, now));
        count();
    }

    void report(WorkerLoad report, long now) {
        if (quietNanos != Long.MAX_VALUE) {
            reportGapMillis += GAP_WEIGHT * (millis(reportNanos, now) - reportGapMillis);
        }
        load = report;
        reportNanos = now;
        while (!unseen.isEmpty() && unseen.getFirst().number <= report.seen()) {
            unseen.removeFirst();
        }
        count();
    }

    void book(Booking booking) {
        unseen.addLast(booking);
        count();
    }

    /** A request that ended before a report knew of it. */
    void unbook(long request) {
        if (unseen.removeIf(booking -> booking.request == request)) {
            count();
        }
    }

    void ended(long request) {
        unbook(request);
        jobs.remove(request);
    }

    private void count() {
        running = load.running();
        contextTokens = load.contextTokens();
        waitingPrompts = load.waitingPrompts() + unseen.size();
        waitingTokens = load.waitingTokens();
        waitingAttended = load.waitingAttended();
        freeTokens = load.freeTokens();
        comingTokens = load.waitingTokens();
        for (var booking : unseen) {
            waitingTokens += booking.tokens;
            waitingAttended += booking.attended;
            freeTokens -= booking.kvTokens;
            comingTokens += booking.kvTokens;
        }
        long sent = unseen.isEmpty() ? reportNanos : Math.max(reportNanos, unseen.getFirst().nanos);
        boolean hadWork = load.waitingTokens() > 0;
        workNanos = hadWork ? reportNanos : sent;
        if (running > 0 || hadWork) {
            quietNanos = reportNanos;
        } else {
            // It had nothing to say before.
            quietNanos = unseen.isEmpty() ? Long.MAX_VALUE : sent;
        }
    }

    /** Whether its role is to compute prompts for others. */
    boolean prefills() {
        return prefills;
    }

    /** Answers that run. */
    int running() {
        return running;
    }

    /** KV tokens that running answers attend to. */
    long contextTokens() {
        return contextTokens;
    }

    /** Prompts that it has, or that are on their way to it. */
    int waitingPrompts() {
        return waitingPrompts;
    }

    /** Prompt tokens that it still has to compute, those on their way to it included. */
    double waitingTokens() {
        return waitingTokens;
    }

    /** What {@link #waitingTokens()} attend to. */
    double waitingAttended() {
        return waitingAttended;
    }

    /** About the most prompt tokens that its steps have lately had. */
    double usualStepTokens() {
        return usualStepTokens > 0 ? usualStepTokens : stepTokens;
    }

    /** For how long the step that its last report told of may have been going on. */
    double sinceReportMillis(long now) {
        return load.waitingTokens() > 0 || load.running() > 0 ? millis(reportNanos, now) : 0;
    }

    /** Tokens of KV that those who wait will attend to once they run. */
    double comingTokens() {
        return comingTokens;
    }

    int requests() {
        return running + waitingPrompts;
    }

    /**
     * Until there is room for a request that takes so much KV; 0 if there is. Room comes as answers
     * end, or, where there are none, as prompts are handed over, which they do evenly. An idle
     * worker makes room.
     *
     * @param answerTokens length of an average answer
     */
    double roomMillis(long wantedTokens, double answerTokens, long now) {
        int requests = requests();
        if (requests == 0 || (requests < maxRunning && wantedTokens <= freeTokens)) {
            return 0;
        }
        double slots = (requests + 1.0 - maxRunning) / Math.max(maxRunning, requests);
        double wanting = wantedTokens - freeTokens;
        if (generates) {
            double step = decodeMillis(Math.max(1, running), contextTokens, now);
            return Math.max(slots, wanting / kvTokens) * answerTokens * step;
        }
        double steps = Math.max(1, steps(waitingTokens));
        double taken = Math.max(kvTokens, kvTokens - freeTokens);
        return Math.max(slots, wanting / taken)
                * promptMillis(steps, waitingTokens, waitingAttended, now);
    }

    /**
     * How far back the last report is that something sent by another router could be missing in.
     */
    double stalenessMillis(long now) {
        return Math.min(millis(reportNanos, now), reportGapMillis);
    }

    /** The time that prompt tokens take here beside the answers that run, in so many steps. */
    double promptMillis(double steps, double tokens, double attended, long now) {
        refresh(now);
        return speeds.promptMillis(steps, tokens, attended, running, contextTokens) * pace;
    }

    /** The same beside so many answers, each as long as those that run. */
    double mixedMillis(double steps, double tokens, double attended, int answers, long now) {
        refresh(now);
        double context = running == 0 ? 0 : (double) contextTokens / running * answers;
        return speeds.promptMillis(steps, tokens, attended, answers, context) * pace;
    }

    /** Steps, not necessarily whole, in which so many prompt tokens are computed. */
    double steps(double tokens) {
        return tokens / (running > 0 ? mixedStepTokens : stepTokens);
    }

    double decodeMillis(double answers, double context, long now) {
        refresh(now);
        return speeds.decodeMillis(answers, context) * pace;
    }

    /**
     * Until a prompt that came now would be begun with: the work before it, less what was done of
     * it since the last report. The longer a report is overdue, the longer the wait.
     */
    double queueMillis(long now) {
        if (quietNanos == Long.MAX_VALUE) {
            return 0;
        }
        double step;
        double work;
        long since;
        if (waitingTokens > 0) {
            double steps = Math.max(1, steps(waitingTokens));
            work = promptMillis(steps, waitingTokens, waitingAttended, now);
            step = work / steps;
            since = workNanos;
        } else {
            step = decodeMillis(running, contextTokens, now);
            // Answers alone may run for many steps between reports.
            work = millis(quietNanos, now) < step ? step : step / 2;
            since = work == step ? quietNanos : now;
        }
        double gap = Math.max(step, reportGapMillis);
        double overdue =
                Math.max(0, millis(quietNanos, now) - PATIENCE_GAPS * gap - PATIENCE_MILLIS);
        return Math.max(0, work - Math.min(millis(since, now), gap)) + overdue;
    }

    /** How much longer a stage takes here than the speeds and the pace say. */
    double factor(Stage stage, long now) {
        refresh(now);
        return switch (stage) {
            case QUEUE -> queueFactor;
            case FETCH -> fetchFactor;
            case PREFILL -> prefillFactor;
            case HANDOFF -> handoffFactor;
            case FIRST_TOKEN -> 1;
        };
    }

    /** How much longer steps take here than the speeds of the kind say. */
    double pace(long now) {
        refresh(now);
        return pace;
    }

    private void refresh(long now) {
        if (now - factorsNanos > FACTORS_NANOS) {
            copyFactors(now);
        }
    }

    private void copyFactors(long now) {
        factorsNanos = now;
        pace = paceCorrection.factor(now);
        queueFactor = corrections[Stage.QUEUE.ordinal()].factor(now);
        fetchFactor = corrections[Stage.FETCH.ordinal()].factor(now);
        prefillFactor = corrections[Stage.PREFILL.ordinal()].factor(now);
        handoffFactor = corrections[Stage.HANDOFF.ordinal()].factor(now);
    }

    void stepped(Step step, double measured, long now) {
        if (step.running() > 0) {
            jobs.generated();
        }
        if (step.newTokens() > 0 && step.running() == 0) {
            usualStepTokens = Math.max(step.newTokens(), usualStepTokens * STEP_TOKENS_DECAY);
        }
        double predicted = Math.max(speeds.stepMillis(step), LEAST_STEP_MILLIS);
        speeds.stepped(step, measured);
        paceCorrection.observe(measured, predicted, now);
        copyFactors(now);
    }

    /**
     * @param predicted by the kind's speeds and the present pace, without the stage's correction
     */
    void took(Stage stage, double measured, double predicted, long now) {
        corrections[stage.ordinal()].observe(
                measured + COMPARABLE_MILLIS, predicted + COMPARABLE_MILLIS, now);
        copyFactors(now);
    }

    /** How much longer queue and prefill take than was played through by {@link SharedCores}. */
    double contention(long now) {
        return contention.factor(now);
    }

    void contended(double measured, double predicted, long now) {
        contention.observe(measured + COMPARABLE_MILLIS, predicted + COMPARABLE_MILLIS, now);
    }

    private static double millis(long from, long to) {
        return (to - from) / 1e6;
    }
}
