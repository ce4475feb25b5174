package dev.stator.sim.world;

import java.util.List;
import java.util.Map;

/**
 * What came out of one run, over the requests that arrived after the warm-up.
 *
 * @param requests that were asked, warm-up included
 * @param counted requests that the figures are of
 * @param refused requests that fit into no worker's memory
 * @param requestsPerSecond that were answered
 * @param endsPerSecond the same without the first and the last fifth, when the fleet may not be
 *     busy
 * @param firstToken milliseconds from arrival to first token
 * @param firstTokenPercentiles the same, from the 1st to the 99th
 * @param gap milliseconds between tokens; the mean is that of the requests' means
 * @param requestGap the mean between a request's tokens, over the requests
 * @param goodShare of the requests met the SLA
 * @param outputTokensPerGpuSecond generated
 * @param origins where the prompts' KV came from, as shares of all prompt tokens
 * @param errorBias mean of predicted over actual time from dispatch to first token, less 1
 * @param errorMedian median of the absolute relative error of the same
 * @param imbalance how much longer the busiest worker was busy than the average of its role
 * @param busy share of the time that the average worker computed
 * @param seconds of virtual time
 */
public record Outcome(
        long requests,
        long counted,
        long refused,
        double requestsPerSecond,
        double endsPerSecond,
        Spread firstToken,
        List<Double> firstTokenPercentiles,
        Spread gap,
        Spread requestGap,
        double goodShare,
        double goodPerSecond,
        double outputTokensPerGpuSecond,
        Map<Origin, Double> origins,
        double errorBias,
        double errorMedian,
        double imbalance,
        double busy,
        long preemptions,
        long restarts,
        double seconds) {
    /** Share of all prompt tokens that came from there. */
    public double share(Origin origin) {
        return origins.getOrDefault(origin, 0.0);
    }
}
