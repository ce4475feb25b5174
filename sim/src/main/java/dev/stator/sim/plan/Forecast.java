package dev.stator.sim.plan;

/**
 * What a fleet is expected to do under a load.
 *
 * @param ttft time to the first token
 * @param itl mean time between the tokens of a request
 * @param prefillBusy part of the time in which prefill workers compute; for aggregated workers, in
 *     which a step has prompt tokens in it
 * @param running answers at a time in all workers together, on average
 * @param room answers that KV has room for
 * @param limit what gives way first when the load grows, or has given way
 */
public record Forecast(
        Figure ttft, Figure itl, double prefillBusy, double running, long room, Limit limit) {
    /** What stands in the way. */
    public enum Limit {
        /** Prompts wait too long for a worker that computes them. */
        PREFILL_QUEUE,
        /** A prompt takes too long even alone. */
        PREFILL_TIME,
        /** Steps of answers take too long even for one. */
        STEP_TIME,
        /** Steps take too long because many answers run, or prompts are computed in their midst. */
        STEP_LOAD,
        /** Device memory has no room for as many answers as run at a time. */
        KV_ROOM,
        /** The link between prefill and decode workers carries no more. */
        TRANSFER
    }

    boolean meets(Goal goal) {
        return margin(goal) >= 0;
    }

    /** The smaller of what is left of both limits, as a part of the limit. */
    double margin(Goal goal) {
        return Math.min(
                ttft.margin(goal.percentile(), goal.ttftMillis()),
                itl.margin(goal.percentile(), goal.itlMillis()));
    }
}
