package dev.stator.sim.plan;

import dev.stator.sim.time.Gpu;
import dev.stator.sim.time.ModelShape;
import dev.stator.sim.time.Precision;
import dev.stator.sim.time.SetupException;
import dev.stator.sim.time.Workload;

/**
 * What a fleet must do, and of what it may be made.
 *
 * @param requestsPerSecond arriving at random (Poisson)
 * @param ttftMillis limit of the time to the first token
 * @param itlMillis limit of a request's mean time between tokens
 * @param percentile the part of the requests, in percent, that must keep both limits
 * @param maxGpus the most GPUs that may be used
 */
public record Goal(
        ModelShape model,
        Gpu gpu,
        Precision precision,
        Workload load,
        double requestsPerSecond,
        double ttftMillis,
        double itlMillis,
        Percentile percentile,
        int maxGpus) {
    /** Beyond this the search takes long and the answer says little. */
    public static final int MOST_GPUS = 4096;

    /**
     * @throws SetupException if a figure makes no sense
     */
    public Goal {
        positive("the rate", requestsPerSecond);
        positive("the limit of the time to the first token", ttftMillis);
        positive("the limit of the time between tokens", itlMillis);
        if (maxGpus < 1 || maxGpus > MOST_GPUS) {
            throw new SetupException(
                    "the number of GPUs must be from 1 to %d, not %d"
                            .formatted(MOST_GPUS, maxGpus));
        }
    }

    private static void positive(String what, double value) {
        if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
            throw new SetupException("%s must be above 0, not %s".formatted(what, value));
        }
    }

    Goal withRate(double rate) {
        return new Goal(
                model, gpu, precision, load, rate, ttftMillis, itlMillis, percentile, maxGpus);
    }

    Goal with(Precision other) {
        return new Goal(
                model,
                gpu,
                other,
                load,
                requestsPerSecond,
                ttftMillis,
                itlMillis,
                percentile,
                maxGpus);
    }
}
