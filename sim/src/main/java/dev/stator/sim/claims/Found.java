package dev.stator.sim.claims;

import dev.stator.sim.plan.Fleet;
import dev.stator.sim.plan.Tuning;
import java.util.Locale;
import java.util.Optional;

/**
 * The best fleet of some, in short: {@code 3p2 + 1d4} are three prefill workers of two GPUs and a
 * decode worker of four.
 *
 * @param rate requests per second; 0 if none keeps the limits
 */
record Found(String fleet, double rate) {
    static Found of(Optional<Tuning.Tuned> tuned) {
        return tuned.map(best -> new Found(describe(best.fleet()), best.rate()))
                .orElse(new Found("none", 0));
    }

    static String describe(Fleet fleet) {
        return switch (fleet) {
            case Fleet.Aggregated(var worker, int workers, int stepTokens) ->
                    "%d×%d, %d".formatted(workers, worker.gpus(), stepTokens);
            case Fleet.Split(var prefill, int prefills, var decode, int decodes) ->
                    "%dp%d + %dd%d".formatted(prefills, prefill.gpus(), decodes, decode.gpus());
        };
    }

    /** Answer tokens per second and GPU. */
    String perGpu(int answerTokens, int gpus) {
        return rate == 0
                ? "none"
                : String.format(Locale.ROOT, "%.0f (%s)", rate * answerTokens / gpus, fleet);
    }
}
