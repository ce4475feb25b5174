package dev.stator.cli;

import dev.stator.cli.ReuseCard.Guarded;
import dev.stator.engine.Certainty;
import dev.stator.serving.Guard;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** Finds where a model must be how sure of its first token for the answer to be the exact one. */
final class GuardSearch {
    /** With its guard a model must agree better than without. */
    static final double LEAST_AGREEMENT = 0.98;

    /** A guard that doubts more often saves too little. */
    private static final double MOST_DOUBTED = 1.0 / 3;

    /**
     * One question's spliced answer beside its exact one.
     *
     * @param same whether they are, token for token
     */
    record Pair(Certainty certainty, boolean same, boolean exactRight, boolean splicedRight) {
        boolean doubted(Guard guard) {
            return guard.doubts(certainty);
        }
    }

    private GuardSearch() {}

    /**
     * The guard that doubts least of those with which enough answers are the same; empty if it
     * doubts too much even so. Entropy is bounded by what occurs where answers are the same.
     *
     * @param judged whether the pairs know what is right
     */
    static Optional<Guarded> of(List<Pair> pairs, boolean judged) {
        return pairs.stream()
                .map(pair -> pair.certainty.margin())
                .sorted()
                .distinct()
                .map(margin -> guarded(pairs, guard(pairs, margin), judged))
                .filter(each -> each.agreement() >= LEAST_AGREEMENT)
                .min(Comparator.comparingDouble(Guarded::doubted))
                .filter(best -> best.doubted() <= MOST_DOUBTED);
    }

    private static Guard guard(List<Pair> pairs, double leastMargin) {
        double mostEntropy =
                pairs.stream()
                        .filter(pair -> pair.same && pair.certainty.margin() >= leastMargin)
                        .mapToDouble(pair -> pair.certainty.entropy())
                        .max()
                        .orElse(0);
        return new Guard(leastMargin, mostEntropy);
    }

    private static Guarded guarded(List<Pair> pairs, Guard guard, boolean judged) {
        return new Guarded(
                guard.leastMargin(),
                guard.mostEntropy(),
                part(pairs, pair -> pair.doubted(guard)),
                part(pairs, pair -> pair.same || pair.doubted(guard)),
                judged
                        ? Optional.of(
                                part(
                                        pairs,
                                        pair ->
                                                pair.doubted(guard)
                                                        ? pair.exactRight
                                                        : pair.splicedRight))
                        : Optional.empty());
    }

    private static double part(List<Pair> pairs, Predicate<Pair> holds) {
        return (double) pairs.stream().filter(holds).count() / pairs.size();
    }
}
