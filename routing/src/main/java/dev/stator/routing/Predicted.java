package dev.stator.routing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** {@link Policy#PREDICTED}. */
final class Predicted implements Strategy {
    /*
     * A split plan costs what its prompt side costs plus what its answer side costs, but for the
     * onboarding that goes on beside the prefill. So the cheapest pairs are found among the cheapest
     * few of each side; all pairs would be the square of the fleet.
     *
     * Plans of workers that have no room yet are among the candidates, with the wait for it. If one of
     * them is the cheapest, the request had better wait than take the next best that is free:
     * otherwise a busy fleet, where room comes up anywhere, would send each request to wherever that
     * happens to be, and lose all reuse.
     *
     * Several routers that see the same workers would all send to the one that looks best, until a
     * report says what the others have sent. So the fewer of the others' requests are in the
     * reports, the more the choice is spread over plans that are about equally good: by softmin, with
     * a part of what a usual prompt costs as the measure of "about".
     */
    private static final int NOBODY = -1;
    private static final int KEPT = 8;
    private static final int SIDES = 4;
    private static final double SPREAD = 0.3;
    private static final double RATE_WEIGHT = 0.05;
    private static final double WORK_WEIGHT = 0.05;

    private final int routers;
    private final RandomGenerator random;
    private final Shortlist plans = new Shortlist(KEPT);
    private final Shortlist promptSides = new Shortlist(SIDES);
    private final Shortlist answerSides = new Shortlist(SIDES);
    private AnswerSide[] answers = {};
    private int[] bestOfNode = {};
    private int[] secondOfNode = {};
    private double meanIntervalMillis = 1000;
    private double meanPrefillMillis;
    private long lastNanos = Long.MIN_VALUE;

    Predicted(int routers, RandomGenerator random) {
        this.routers = routers;
        this.random = random;
    }

    @Override
    public Optional<Choice> choose(Situation situation) {
        reserve(situation.fleet.size());
        plans.clear();
        consider(situation, situation.maySplit());
        if (plans.size() == 0) {
            // No prefill worker reaches a decode worker.
            consider(situation, false);
        }
        if (plans.size() == 0) {
            return Optional.empty();
        }
        int chosen = chosen(situation);
        if (!canStart(situation, plans.from(chosen), plans.to(chosen))) {
            return Optional.empty();
        }
        var candidates = new ArrayList<Plan>(plans.size());
        for (int i = 0; i < plans.size(); i++) {
            candidates.add(plan(situation, plans.from(i), plans.to(i)));
        }
        return Optional.of(new Choice(candidates.get(chosen), candidates));
    }

    /** Of several routers each measures how often it is asked, and draws. */
    @Override
    public boolean learnsFromRefusals() {
        return routers > 1;
    }

    private static boolean canStart(Situation situation, int from, int to) {
        return situation.canAnswer(to) && (from == to || situation.canPrefill(from));
    }

    private void reserve(int workers) {
        int known = answers.length;
        if (workers > known) {
            bestOfNode = new int[workers];
            secondOfNode = new int[workers];
            answers = Arrays.copyOf(answers, workers);
            Arrays.setAll(answers, i -> i < known ? answers[i] : new AnswerSide());
        }
    }

    private void consider(Situation situation, boolean splits) {
        var generating = situation.generating;
        boolean mustSplit = splits && situation.mode == Mode.DISAGGREGATED;
        answerSides.clear();
        for (int i = 0; i < generating.size(); i++) {
            int at = generating.get(i);
            double crowding;
            boolean worthSplitting = false;
            if (splits) {
                situation.predictor.answer(at, answers[at]);
                crowding = answers[at].harmMillis;
                worthSplitting = situation.worthSplitting(answers[at]);
            } else {
                crowding = situation.predictor.crowdingMillis(at);
            }
            if (worthSplitting) {
                answerSides.offer(at, at, answers[at].costMillis());
            }
            if (!mustSplit || !worthSplitting) {
                plans.offer(at, at, situation.predictor.prompt(at).costMillis() + crowding);
            }
        }
        if (answerSides.size() > 0) {
            considerSplit(situation);
        }
    }

    private void considerSplit(Situation situation) {
        promptSides.clear();
        Arrays.fill(bestOfNode, NOBODY);
        Arrays.fill(secondOfNode, NOBODY);
        for (int i = 0; i < situation.prefilling.size(); i++) {
            int from = situation.prefilling.get(i);
            promptSides.offer(from, from, situation.predictor.prompt(from).costMillis());
            offerOnNode(situation, from);
        }
        if (situation.predictor.handsOverAcrossNodes()) {
            for (int i = 0; i < promptSides.size(); i++) {
                for (int j = 0; j < answerSides.size(); j++) {
                    considerPair(situation, promptSides.from(i), answerSides.to(j));
                }
            }
        } else {
            considerNodes(situation);
        }
    }

    /** Where KV stays within a node, each answering worker has but the best of its node. */
    private void considerNodes(Situation situation) {
        for (int i = 0; i < situation.generating.size(); i++) {
            int to = situation.generating.get(i);
            int node = situation.fleet.node(to);
            int from = bestOfNode[node] == to ? secondOfNode[node] : bestOfNode[node];
            if (from != NOBODY && situation.worthSplitting(answers[to])) {
                considerPair(situation, from, to);
            }
        }
    }

    private void offerOnNode(Situation situation, int from) {
        int node = situation.fleet.node(from);
        int best = bestOfNode[node];
        if (best == NOBODY || cheaper(situation, from, best)) {
            bestOfNode[node] = from;
            secondOfNode[node] = best;
        } else if (secondOfNode[node] == NOBODY || cheaper(situation, from, secondOfNode[node])) {
            secondOfNode[node] = from;
        }
    }

    private static boolean cheaper(Situation situation, int from, int other) {
        var predictor = situation.predictor;
        return predictor.prompt(from).costMillis() < predictor.prompt(other).costMillis();
    }

    /** Handing over takes no less than no time: a pair that costs too much without it is out. */
    private void considerPair(Situation situation, int from, int to) {
        var prompt = situation.predictor.prompt(from);
        double leastMillis = prompt.costMillis() + answers[to].harmMillis;
        if (from != to && plans.takes(leastMillis)) {
            double handoff = situation.predictor.handoffMillis(from, prompt, to, answers[to]);
            double harm = answers[to].harmMillis + situation.predictor.idleRoomMillis(prompt, to);
            plans.offer(from, to, prompt.costMillis() + handoff + harm);
        }
    }

    private Plan plan(Situation situation, int from, int to) {
        var prompt = situation.predictor.prompt(from);
        return from == to
                ? situation.predictor.aggregated(from, prompt)
                : situation.predictor.split(from, prompt, to, answers[to]);
    }

    private int chosen(Situation situation) {
        double tolerance = toleranceMillis(situation);
        if (tolerance <= 0) {
            return 0;
        }
        double sum = 0;
        for (int i = 0; i < plans.size(); i++) {
            sum += weight(i, tolerance);
        }
        double left = random.nextDouble() * sum;
        for (int i = 0; i < plans.size(); i++) {
            left -= weight(i, tolerance);
            if (left < 0) {
                return i;
            }
        }
        return 0;
    }

    private double weight(int plan, double tolerance) {
        return Math.exp((plans.cost(0) - plans.cost(plan)) / tolerance);
    }

    /** By how much a plan may be worse than the best and still be about as good. */
    private double toleranceMillis(Situation situation) {
        long now = situation.now();
        if (lastNanos != Long.MIN_VALUE) {
            meanIntervalMillis += RATE_WEIGHT * ((now - lastNanos) / 1e6 - meanIntervalMillis);
        }
        lastNanos = now;
        int best = plans.from(0);
        double prefillMillis = situation.predictor.prompt(best).prefillMillis;
        meanPrefillMillis += WORK_WEIGHT * (prefillMillis - meanPrefillMillis);
        double unreported =
                (routers - 1)
                        * situation.worker(best).stalenessMillis(now)
                        / Math.max(meanIntervalMillis, 1e-3);
        return SPREAD * meanPrefillMillis * Math.min(1, unreported);
    }
}
