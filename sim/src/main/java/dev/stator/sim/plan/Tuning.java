package dev.stator.sim.plan;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Finds the fleet that keeps the limits up to the largest rate in the simulator. Formulas say in
 * which order fleets are tried, and which are not worth it; the simulator decides.
 */
public final class Tuning {
    /** A fleet is tried if the formulas give it at least this part of the best's rate. */
    private static final double WORTH_TRYING = 0.7;

    private static final int MOST_TRIED = 12;

    /** A fleet must be so much better than the best so far to take its place. */
    private static final double BETTER = 1.01;

    private final Planner planner = new Planner(new Estimate());
    private final Rehearsal rehearsal;

    public Tuning(Rehearsal rehearsal) {
        this.rehearsal = rehearsal;
    }

    /**
     * @param rate the largest at which it keeps the limits, in requests per second
     */
    public record Tuned(Fleet fleet, double rate) {}

    private record Guess(Fleet fleet, double rate) {}

    /** The best of some fleets; empty if none of those tried keeps the limits at any rate. */
    public Optional<Tuned> best(Stream<Fleet> fleets, Goal goal) {
        List<Guess> guesses =
                fleets.map(fleet -> new Guess(fleet, planner.largestRate(fleet, goal)))
                        .filter(guess -> guess.rate > 0)
                        .sorted(Comparator.comparingDouble(Guess::rate).reversed())
                        .limit(MOST_TRIED)
                        .toList();
        Optional<Tuned> best = Optional.empty();
        for (var guess : guesses) {
            if (guess.rate < guesses.getFirst().rate * WORTH_TRYING) {
                break;
            }
            double bar = best.map(tuned -> tuned.rate * BETTER).orElse(0.0);
            if (bar > 0 && !rehearsal.keeps(guess.fleet, goal.withRate(bar))) {
                continue;
            }
            double rate = rehearsal.largestRate(guess.fleet, goal, Math.max(bar, guess.rate));
            if (rate > bar) {
                best = Optional.of(new Tuned(guess.fleet, rate));
            }
        }
        return best;
    }

    /** One fleet, as it is; 0 if it keeps the limits at no rate. */
    public double rate(Fleet fleet, Goal goal) {
        double guess = planner.largestRate(fleet, goal);
        return rehearsal.largestRate(fleet, goal, guess > 0 ? guess : goal.requestsPerSecond());
    }
}
