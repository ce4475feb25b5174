package dev.stator.sim.plan;

import dev.stator.sim.time.Link;
import dev.stator.sim.time.Roofline;
import dev.stator.sim.time.StepWork;
import dev.stator.sim.time.Workload;

/**
 * Prefill workers are servers of one line; decode workers run whatever arrives.
 *
 * <p>A prompt's first token waits for a prefill worker, for what is in the host tier to come up,
 * for the prompt's computation, for the rest of its KV to arrive after that (blocks are fetched as
 * they appear), and for one step of the decode worker.
 */
final class SplitEstimate {
    /** Prompts that are computed together when a worker could not keep up one by one. */
    private static final int LARGEST_GROUP_TOKENS = 8192;

    /** Above this part of the time more prompts are put together. */
    private static final double TOO_BUSY = 0.9;

    private static final int BLOCK_TOKENS = 32;

    /** Prompts are alike and arrive at random: M/D/c. */
    private static final double VARIABILITY = 0.5;

    private final Fleet.Split fleet;
    private final Goal goal;
    private final Workload load;
    private final Roofline prefill;
    private final Roofline decode;
    private final double requestsPerMilli;

    SplitEstimate(Fleet.Split fleet, Goal goal) {
        this.fleet = fleet;
        this.goal = goal;
        this.load = goal.load();
        this.prefill = new Roofline(fleet.prefill());
        this.decode = new Roofline(fleet.decode());
        this.requestsPerMilli = goal.requestsPerSecond() / 1e3;
    }

    Forecast forecast() {
        long room = decode.kvTokens() / load.totalTokens();
        var answers =
                Answers.of(
                        requestsPerMilli,
                        load.answerTokens(),
                        fleet.decodeWorkers(),
                        this::stepMillis,
                        Math.max(1, room));
        int group = group();
        double alone = prefillMillis(group);
        var line =
                new WaitingLine(
                        fleet.prefillWorkers(), requestsPerMilli / group, alone, VARIABILITY);
        var transfer = transfer();
        var ttft =
                line.delay()
                        .plus(alone)
                        .plus(transfer.delay())
                        .plus(arrival(alone))
                        .plus(answers.itl());
        boolean full = answers.at(goal.percentile()) > room;
        return new Forecast(
                full ? Figure.ENDLESS : ttft,
                answers.itl(),
                Math.min(1, line.busy()),
                answers.all(),
                room * fleet.decodeWorkers(),
                limit(full, alone, line, transfer, answers));
    }

    private double stepMillis(double running) {
        int whole = Math.max(1, (int) Math.ceil(running));
        return decode.stepMillis(StepWork.decode(whole, Math.round(whole * load.meanContext())));
    }

    private int group() {
        int most = Math.max(1, LARGEST_GROUP_TOKENS / load.computedTokens());
        for (int group = 1; group < most; group++) {
            if (requestsPerMilli * prefillMillis(group) / group
                    <= TOO_BUSY * fleet.prefillWorkers()) {
                return group;
            }
        }
        return most;
    }

    private double prefillMillis(int group) {
        var prompt = load.prefill();
        double onboard =
                load.hitTokens() == 0
                        ? 0
                        : prefill.moveMillis((long) group * load.hitTokens(), Link.HOST);
        return onboard
                + prefill.stepMillis(
                        new StepWork(
                                group * prompt.prefillTokens(),
                                group * prompt.prefillAttended(),
                                0,
                                0));
    }

    /** The decode workers' links, busy with the prompts of all their requests. */
    private WaitingLine transfer() {
        double millis =
                decode.moveMillis(load.promptTokens(), fleet.link())
                        - decode.moveMillis(0, fleet.link());
        return new WaitingLine(fleet.decodeWorkers(), requestsPerMilli, millis, VARIABILITY);
    }

    /** What is left to fetch once the last block is there. */
    private double arrival(double computeMillis) {
        double all = decode.moveMillis(load.promptTokens(), fleet.link());
        return Math.max(all - computeMillis, decode.moveMillis(BLOCK_TOKENS, fleet.link()));
    }

    private Forecast.Limit limit(
            boolean full, double alone, WaitingLine line, WaitingLine transfer, Answers answers) {
        if (full) {
            return Forecast.Limit.KV_ROOM;
        }
        if (stepMillis(1) > goal.itlMillis()) {
            return Forecast.Limit.STEP_TIME;
        }
        double single = prefillMillis(1);
        if (single + arrival(single) + stepMillis(1) > goal.ttftMillis()) {
            return Forecast.Limit.PREFILL_TIME;
        }
        if (transfer.busy() > line.busy() && transfer.busy() > TOO_BUSY) {
            return Forecast.Limit.TRANSFER;
        }
        double itlMargin = answers.itl().margin(goal.percentile(), goal.itlMillis());
        double queueMargin = line.delay().plus(alone).margin(goal.percentile(), goal.ttftMillis());
        return itlMargin < queueMargin ? Forecast.Limit.STEP_LOAD : Forecast.Limit.PREFILL_QUEUE;
    }
}
