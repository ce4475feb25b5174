package dev.stator.sim;

import dev.stator.sim.world.Origin;
import dev.stator.sim.world.Outcome;
import java.util.function.ToDoubleFunction;

/** What is shown of each run, in this order. */
enum Figure {
    TTFT_MEAN("ttft-mean-millis", "TTFT mean", "ms", run -> run.firstToken().mean()),
    TTFT_P50("ttft-p50-millis", "TTFT p50", "ms", run -> run.firstToken().p50()),
    TTFT_P90("ttft-p90-millis", "TTFT p90", "ms", run -> run.firstToken().p90()),
    TTFT_P99("ttft-p99-millis", "TTFT p99", "ms", run -> run.firstToken().p99()),
    ITL_MEAN("itl-mean-millis", "ITL mean", "ms", run -> run.gap().mean()),
    ITL_P50("itl-p50-millis", "ITL p50", "ms", run -> run.gap().p50()),
    ITL_P90("itl-p90-millis", "ITL p90", "ms", run -> run.gap().p90()),
    ITL_P99("itl-p99-millis", "ITL p99", "ms", run -> run.gap().p99()),
    GOOD("good-percent", "within SLA", "%", run -> run.goodShare() * 100),
    GOODPUT("goodput-per-second", "goodput", "req/s", Outcome::goodPerSecond),
    TOKENS(
            "output-tokens-per-gpu-second",
            "output",
            "tok/s/GPU",
            Outcome::outputTokensPerGpuSecond),
    HIT("hit-percent", "hits", "%", run -> (1 - run.share(Origin.COMPUTED)) * 100),
    ERROR("prediction-error-percent", "TTFT error", "%", run -> run.errorMedian() * 100),
    BIAS("prediction-bias-percent", "bias", "%", run -> run.errorBias() * 100),
    IMBALANCE("imbalance", "busiest/mean", "", Outcome::imbalance);

    final String key;
    final String label;
    final String unit;
    final ToDoubleFunction<Outcome> of;

    Figure(String key, String label, String unit, ToDoubleFunction<Outcome> of) {
        this.key = key;
        this.label = label;
        this.unit = unit;
        this.of = of;
    }
}
