package dev.stator.sim.plan;

import dev.stator.sim.plan.Planner.Candidate;
import dev.stator.sim.plan.Planner.Kind;
import dev.stator.sim.time.Catalog;
import dev.stator.sim.time.SetupException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The answer of {@code stator plan}: what to set up, or why nothing will do and what would help.
 *
 * @param chosen the cheapest fleet within the GPUs that may be used
 * @param alternative the best of the other kind, if any of it keeps the limits with any number of
 *     GPUs
 * @param sameGpus the best of the other kind with no more GPUs than {@code chosen}; says why it
 *     loses
 * @param closest where there is none: what comes closest with the GPUs that may be used, if any
 *     worker is that small
 * @param refused what formulas proposed and the simulator turned down
 * @param help where there is none: sentences about what would help
 */
public record Proposal(
        Goal goal,
        Optional<Choice> chosen,
        Optional<Choice> alternative,
        Optional<Candidate> sameGpus,
        Optional<Choice> closest,
        List<Confirmation.Refused> refused,
        List<String> help) {
    /** The fewest GPUs first, then what the simulator, or else formulas, give the most room. */
    private static final Comparator<Choice> BETTER =
            Comparator.<Choice>comparingInt(choice -> choice.candidate().fleet().gpus())
                    .thenComparing(Comparator.comparingDouble(Choice::room).reversed());

    /**
     * @param largestRate up to which it keeps the limits by formulas, in requests per second
     * @param trial in the simulator, unless that was not asked
     */
    public record Choice(Candidate candidate, double largestRate, Optional<Trial> trial) {
        private double room() {
            return trial.map(Trial::largestRate).orElse(candidate.margin());
        }
    }

    /**
     * By formulas alone.
     *
     * @throws SetupException if the model fits no worker of that kind of GPU
     */
    public static Proposal of(Goal goal, Planner planner) {
        var result = planner.search(goal);
        return of(
                goal,
                planner,
                Confirmation.byFormulas(goal, planner, result.split()),
                Confirmation.byFormulas(goal, planner, result.aggregated()));
    }

    /**
     * By formulas, and confirmed in the simulator: where that turns a fleet down, the next larger
     * one is tried.
     *
     * @throws SetupException if the model fits no worker of that kind of GPU
     */
    public static Proposal of(Goal goal, Planner planner, Rehearsal rehearsal) {
        var result = planner.search(goal);
        return of(
                goal,
                planner,
                Confirmation.of(goal, planner, rehearsal, Kind.SPLIT, result.split()),
                Confirmation.of(goal, planner, rehearsal, Kind.AGGREGATED, result.aggregated()));
    }

    private static Proposal of(
            Goal goal, Planner planner, Confirmation split, Confirmation aggregated) {
        var choices =
                Stream.concat(split.choice().stream(), aggregated.choice().stream())
                        .sorted(BETTER)
                        .toList();
        var refused =
                Stream.concat(split.refused().stream(), aggregated.refused().stream()).toList();
        var cheapest = choices.stream().findFirst();
        if (cheapest.isEmpty() || cheapest.get().candidate().fleet().gpus() > goal.maxGpus()) {
            return nothing(goal, planner, cheapest.map(Choice::candidate), refused);
        }
        var best = cheapest.get();
        var fleet = best.candidate().fleet();
        return new Proposal(
                goal,
                cheapest,
                choices.stream().skip(1).findFirst(),
                planner.closest(goal, Kind.of(fleet).other(), fleet.gpus()),
                Optional.empty(),
                refused,
                List.of());
    }

    private static Proposal nothing(
            Goal goal,
            Planner planner,
            Optional<Candidate> cheapest,
            List<Confirmation.Refused> refused) {
        var closest = planner.strongest(goal, goal.maxGpus());
        return new Proposal(
                goal,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Confirmation.byFormulas(goal, planner, closest).choice(),
                refused,
                help(goal, planner, cheapest, closest));
    }

    private static List<String> help(
            Goal goal, Planner planner, Optional<Candidate> cheapest, Optional<Candidate> closest) {
        var help = new ArrayList<String>();
        cheapest.ifPresent(
                candidate ->
                        help.add(
                                "%d GPUs: %s"
                                        .formatted(
                                                candidate.fleet().gpus(),
                                                candidate.fleet().describe())));
        otherPrecisions(goal, planner, help);
        closest.map(Candidate::forecast)
                .filter(forecast -> Double.isFinite(forecast.margin(goal)))
                .ifPresent(forecast -> help.add(softerLimits(goal, forecast)));
        if (cheapest.isEmpty()) {
            var idle = planner.idle(goal);
            help.add(
                    "another GPU, or limits above what idle workers of %s reach at best: %.0f ms to the first token, %.1f ms between tokens"
                            .formatted(goal.gpu().name(), idle.ttft(), idle.itl()));
        }
        return help;
    }

    private static void otherPrecisions(Goal goal, Planner planner, List<String> help) {
        for (var name : Catalog.builtIn().precisions()) {
            var precision = Catalog.builtIn().precision(name);
            boolean lower = precision.weightBytes() < goal.precision().weightBytes();
            if (lower && goal.gpu().multiplies(precision.arithmetic())) {
                planner.search(goal.with(precision))
                        .cheapest()
                        .filter(candidate -> candidate.fleet().gpus() <= goal.maxGpus())
                        .ifPresent(
                                candidate ->
                                        help.add(
                                                "precision %s, with which %d GPUs do"
                                                        .formatted(
                                                                name, candidate.fleet().gpus())));
            }
        }
    }

    private static String softerLimits(Goal goal, Forecast forecast) {
        return "limits of %.0f ms to the first token and %.0f ms between tokens, which the closest fleet keeps"
                .formatted(
                        Math.ceil(
                                Math.max(goal.ttftMillis(), forecast.ttft().at(goal.percentile()))),
                        Math.ceil(
                                Math.max(goal.itlMillis(), forecast.itl().at(goal.percentile()))));
    }

    /** For people. */
    public String text() {
        return new ProposalText(this).toString();
    }

    /** For programs. */
    public String json() {
        return ProposalJson.of(this);
    }
}
