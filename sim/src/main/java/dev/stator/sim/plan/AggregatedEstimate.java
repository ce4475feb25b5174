package dev.stator.sim.plan;

import dev.stator.sim.time.Link;
import dev.stator.sim.time.Roofline;
import dev.stator.sim.time.StepWork;
import dev.stator.sim.time.Workload;

/**
 * Workers that mix prompts into their steps: a step has all answers and, while prompts wait, as
 * many prompt tokens as it may (chunked prefill).
 *
 * <p>With n answers a step takes d(n) without and m(n) with prompt tokens. Prompts arrive at a rate
 * that needs r mixed steps a second, so r m(n) of the time is spent in these and the rest in steps
 * of d(n). The workers are the servers of one line; a prompt occupies one for all its mixed steps.
 */
final class AggregatedEstimate {
    /** Prompts are alike and arrive at random: M/D/c. */
    private static final double VARIABILITY = 0.5;

    private final Fleet.Aggregated fleet;
    private final Goal goal;
    private final Workload load;
    private final Roofline worker;
    private final double requestsPerMilli;

    /** Prompt tokens in a mixed step. */
    private final int chunkTokens;

    /** Mixed steps that one prompt takes; a part of one if several prompts share a step. */
    private final double stepsPerPrompt;

    AggregatedEstimate(Fleet.Aggregated fleet, Goal goal) {
        this.fleet = fleet;
        this.goal = goal;
        this.load = goal.load();
        this.worker = new Roofline(fleet.worker());
        this.requestsPerMilli = goal.requestsPerSecond() / 1e3;
        int tokens = load.computedTokens();
        if (tokens >= fleet.stepTokens()) {
            stepsPerPrompt = Math.ceilDiv(tokens, fleet.stepTokens());
            chunkTokens = (int) Math.ceil(tokens / stepsPerPrompt);
        } else {
            int group = group();
            stepsPerPrompt = 1.0 / group;
            chunkTokens = group * tokens;
        }
    }

    /** How many short prompts share a step so that no more than half of the steps are mixed. */
    private int group() {
        int most = fleet.stepTokens() / load.computedTokens();
        for (int group = 1; group < most; group++) {
            double millis = stepMillis(1, group * load.computedTokens());
            if (requestsPerMilli / fleet.workers() * millis / group <= 0.5) {
                return group;
            }
        }
        return most;
    }

    Forecast forecast() {
        long room = worker.kvTokens() / load.totalTokens();
        var answers =
                Answers.of(
                        requestsPerMilli,
                        load.answerTokens(),
                        fleet.workers(),
                        this::meanGapMillis,
                        Math.max(1, room));
        double running = Math.min(answers.perWorker(), room);
        double prompt = Math.ceil(stepsPerPrompt) * mixedMillis(running);
        double occupied = stepsPerPrompt * mixedMillis(running);
        var line = new WaitingLine(fleet.workers(), requestsPerMilli, occupied, VARIABILITY);
        // A prompt begins at the next step: on average it waits for half of the one that runs.
        var ttft = line.delay().plus(prompt + onboardMillis() + plainMillis(running) / 2);
        boolean full = answers.at(goal.percentile()) > room;
        return new Forecast(
                full ? Figure.ENDLESS : ttft,
                answers.itl(),
                Math.min(1, line.busy()),
                answers.all(),
                room * fleet.workers(),
                limit(full, line, prompt, answers));
    }

    /** Mean time between tokens with so many answers; infinite if prompts take all the time. */
    private double meanGapMillis(double running) {
        double mixedPerMilli = requestsPerMilli / fleet.workers() * stepsPerPrompt;
        double mixedPart = mixedPerMilli * mixedMillis(running);
        if (mixedPart >= 1) {
            return Double.POSITIVE_INFINITY;
        }
        double plainPerMilli = (1 - mixedPart) / plainMillis(running);
        return 1 / (mixedPerMilli + plainPerMilli);
    }

    private double plainMillis(double running) {
        return stepMillis(running, 0);
    }

    private double mixedMillis(double running) {
        return stepMillis(running, chunkTokens);
    }

    private double stepMillis(double running, int promptTokens) {
        int whole = Math.max(1, (int) Math.ceil(running));
        double attended = load.prefill().prefillAttended() / load.computedTokens();
        return worker.stepMillis(
                new StepWork(
                        promptTokens,
                        promptTokens * attended,
                        whole,
                        Math.round(whole * load.meanContext())));
    }

    private double onboardMillis() {
        return load.hitTokens() == 0 ? 0 : worker.moveMillis(load.hitTokens(), Link.HOST);
    }

    private Forecast.Limit limit(boolean full, WaitingLine line, double prompt, Answers answers) {
        if (stepMillis(1, 0) > goal.itlMillis()) {
            return Forecast.Limit.STEP_TIME;
        }
        if (onboardMillis() + Math.ceil(stepsPerPrompt) * mixedMillis(1) > goal.ttftMillis()) {
            return Forecast.Limit.PREFILL_TIME;
        }
        if (full && meanGapMillis(1) < Double.POSITIVE_INFINITY) {
            return Forecast.Limit.KV_ROOM;
        }
        double itlMargin = answers.itl().margin(goal.percentile(), goal.itlMillis());
        double queueMargin = line.delay().plus(prompt).margin(goal.percentile(), goal.ttftMillis());
        return itlMargin < queueMargin ? Forecast.Limit.STEP_LOAD : Forecast.Limit.PREFILL_QUEUE;
    }
}
