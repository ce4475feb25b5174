package dev.stator.sim.plan;

import dev.stator.sim.plan.Planner.Candidate;
import dev.stator.sim.plan.Planner.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Fleets of one kind that formulas proposed and the simulator turned down, and the first that it
 * did not; empty if it turned down all that were tried, or formulas have none.
 */
record Confirmation(Optional<Proposal.Choice> choice, List<Refused> refused) {
    private static final int MOST_TRIED = 6;

    /** How much more load formulas are asked for at least, and at most, to get a larger fleet. */
    private static final double LEAST_MORE = 1.05;

    private static final double MOST_MORE = 2;
    private static final int MOST_QUESTIONS = 40;

    /** A fleet and what it does at the goal's rate. */
    record Refused(Candidate candidate, Trial trial) {}

    Confirmation {
        refused = List.copyOf(refused);
    }

    /** Without the simulator. */
    static Confirmation byFormulas(Goal goal, Planner planner, Optional<Candidate> proposed) {
        return new Confirmation(
                proposed.map(
                        candidate ->
                                new Proposal.Choice(
                                        candidate,
                                        planner.largestRate(candidate.fleet(), goal),
                                        Optional.empty())),
                List.of());
    }

    /** Tries what formulas propose, and larger fleets until one keeps the limits. */
    static Confirmation of(
            Goal goal,
            Planner planner,
            Rehearsal rehearsal,
            Kind kind,
            Optional<Candidate> proposed) {
        var refused = new ArrayList<Refused>();
        double rate = goal.requestsPerSecond();
        for (var tried = proposed; tried.isPresent(); ) {
            var candidate = tried.get();
            var outcome = rehearsal.run(candidate.fleet(), goal);
            double estimated = planner.largestRate(candidate.fleet(), goal);
            if (Rehearsal.keeps(outcome, goal)) {
                double guess = Math.max(estimated, goal.requestsPerSecond());
                double largest = rehearsal.largestRate(candidate.fleet(), goal, guess);
                var trial = new Trial(outcome, largest);
                var choice = new Proposal.Choice(candidate, estimated, Optional.of(trial));
                return new Confirmation(Optional.of(choice), refused);
            }
            refused.add(new Refused(candidate, new Trial(outcome, 0)));
            if (refused.size() == MOST_TRIED) {
                break;
            }
            double simulated =
                    rehearsal.largestRate(candidate.fleet(), goal, goal.requestsPerSecond());
            double more = simulated > 0 ? goal.requestsPerSecond() / simulated : MOST_MORE;
            rate *= Math.clamp(more, LEAST_MORE, MOST_MORE);
            tried = larger(goal, planner, kind, rate, candidate.fleet().gpus());
        }
        return new Confirmation(Optional.empty(), refused);
    }

    /** What formulas propose for at least that rate and has more GPUs, judged at the goal's. */
    private static Optional<Candidate> larger(
            Goal goal, Planner planner, Kind kind, double rate, int gpus) {
        double asked = rate;
        for (int i = 0; i < MOST_QUESTIONS; i++) {
            var found = planner.search(goal.withRate(asked)).of(kind);
            if (found.isEmpty() || found.get().fleet().gpus() > gpus) {
                return found.map(candidate -> planner.candidate(goal, candidate.fleet()));
            }
            asked *= LEAST_MORE;
        }
        return Optional.empty();
    }
}
