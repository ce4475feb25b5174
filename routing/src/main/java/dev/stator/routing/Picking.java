package dev.stator.routing;

import java.util.List;
import java.util.Optional;

/**
 * Chooses plans by a {@link Pick} that knows nothing of time: one worker for all, or, where workers
 * have separate roles, one for the answer and one for the prompt.
 */
final class Picking implements Strategy {
    private final Pick rule;
    private final Positions able = new Positions();
    private final AnswerSide answer = new AnswerSide();

    Picking(Pick rule) {
        this.rule = rule;
    }

    @Override
    public Optional<Choice> choose(Situation situation) {
        able.clear();
        for (int i = 0; i < situation.generating.size(); i++) {
            int at = situation.generating.get(i);
            if (situation.canAnswer(at)) {
                able.add(at);
            }
        }
        if (able.size() == 0) {
            return Optional.empty();
        }
        boolean splits =
                switch (situation.mode) {
                    case AGGREGATED -> false;
                    case DISAGGREGATED -> situation.fleet.canSplit();
                    case AUTO -> situation.fleet.hasPrefillWorkers();
                };
        return splits ? split(situation) : Optional.of(aggregated(situation));
    }

    private Choice aggregated(Situation situation) {
        int at = rule.pick(situation, able, Pick.Task.ALL);
        return aggregated(situation, at);
    }

    private Choice aggregated(Situation situation, int at) {
        var predictor = situation.predictor;
        var plan = predictor.aggregated(at, predictor.prompt(at));
        return new Choice(plan, List.of(plan));
    }

    private Optional<Choice> split(Situation situation) {
        var predictor = situation.predictor;
        int to = rule.pick(situation, able, Pick.Task.ANSWER);
        predictor.answer(to, answer);
        if (!situation.worthSplitting(answer)) {
            return Optional.of(aggregated(situation, to));
        }
        able.clear();
        boolean reachable = false;
        for (int i = 0; i < situation.prefilling.size(); i++) {
            int from = situation.prefilling.get(i);
            if (from != to && predictor.canHandOver(from, to)) {
                reachable = true;
                if (situation.canPrefill(from)) {
                    able.add(from);
                }
            }
        }
        if (able.size() == 0) {
            return reachable ? Optional.empty() : Optional.of(aggregated(situation, to));
        }
        int from = rule.pick(situation, able, Pick.Task.PROMPT);
        var plan = predictor.split(from, predictor.prompt(from), to, answer);
        return Optional.of(new Choice(plan, List.of(plan)));
    }

    @Override
    public void dispatched(Decision decision) {
        rule.dispatched(decision);
    }

    @Override
    public void firstToken(long request) {
        rule.firstToken(request);
    }

    @Override
    public void finished(long request) {
        rule.finished(request);
    }
}
