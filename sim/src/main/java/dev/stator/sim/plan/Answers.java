package dev.stator.sim.plan;

import java.util.function.DoubleUnaryOperator;

/**
 * How many answers run at a time, which decides how long steps take, which decides how many run.
 *
 * <p>By Little's law the mean is rate x tokens x time between tokens. The number at a random moment
 * is taken to be Poisson distributed over all workers together, as if none waited for another, and
 * to be spread over them evenly, because a router gives each new one to the worker with the fewest.
 *
 * @param perWorker mean number in one worker; infinite if it grows without end
 * @param workers among which they are spread
 * @param itl the time between tokens
 */
record Answers(double perWorker, int workers, Figure itl) {
    private static final int MOST_ROUNDS = 1000;
    private static final double CLOSE_ENOUGH = 1e-6;

    /**
     * @param stepMillis mean time between tokens while so many run in one worker
     * @param most beyond this many in one worker the search for the mean ends
     */
    static Answers of(
            double requestsPerMilli,
            int tokens,
            int workers,
            DoubleUnaryOperator stepMillis,
            double most) {
        double arriving = requestsPerMilli * tokens / workers;
        double running = 0;
        for (int i = 0; i < MOST_ROUNDS; i++) {
            double next = arriving * stepMillis.applyAsDouble(running);
            if (!(next < most)) {
                break;
            }
            if (Math.abs(next - running) <= CLOSE_ENOUGH * next) {
                var mean = new Answers(next, workers, Figure.ENDLESS);
                return new Answers(
                        next,
                        workers,
                        new Figure(
                                stepMillis.applyAsDouble(next),
                                stepMillis.applyAsDouble(mean.at(Percentile.P90)),
                                stepMillis.applyAsDouble(mean.at(Percentile.P99))));
            }
            running = next;
        }
        return new Answers(Double.POSITIVE_INFINITY, workers, Figure.ENDLESS);
    }

    /** The number in one worker that is exceeded in the rest of the time only. */
    double at(Percentile percentile) {
        double all = perWorker * workers;
        return (all + percentile.deviations() * Math.sqrt(all)) / workers;
    }

    double all() {
        return perWorker * workers;
    }
}
