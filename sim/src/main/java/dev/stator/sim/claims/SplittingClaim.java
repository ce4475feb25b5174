package dev.stator.sim.claims;

import dev.stator.sim.claims.ClaimsFile.Load;
import dev.stator.sim.plan.Fleet;
import dev.stator.sim.plan.Goal;
import dev.stator.sim.plan.Planner;
import dev.stator.sim.plan.Rehearsal;
import dev.stator.sim.plan.Tuning;
import dev.stator.sim.time.WorkerShape;
import java.util.List;
import java.util.function.Consumer;

/** What splitting prefill from decode is worth, against aggregated fleets tuned and not. */
final class SplittingClaim {
    private final ClaimsFile.Splitting data;
    private final Consumer<String> progress;
    private final Tuning tuning = new Tuning(new Rehearsal());

    SplittingClaim(ClaimsFile.Splitting data, Consumer<String> progress) {
        this.data = data;
        this.progress = progress;
    }

    String report() {
        var page = new Page("Splitting", data.statement(), data.source(), data.assumptions());
        for (int nodes : data.nodes()) {
            table(page, data.claimed(), nodes, data.userSpeeds());
        }
        for (var load : data.others()) {
            table(page, load, data.nodes().getFirst(), data.otherSpeeds());
        }
        return page.toString();
    }

    private void table(Page page, Load load, int nodes, List<Double> speeds) {
        page.table(
                "Prompts / answers of %s tokens, %d node%s: answer tokens/s per GPU"
                        .formatted(load, nodes, nodes == 1 ? "" : "s"),
                "tokens/s per user",
                "untuned",
                "tuned aggregated (workers×GPUs, step)",
                "split",
                "split ÷ tuned",
                "split ÷ untuned",
                "tuned ÷ untuned");
        for (double speed : speeds) {
            progress.accept("%s, %d × 8 GPUs, %.0f tokens/s".formatted(load, nodes, speed));
            var goal = data.goal(load, data.ttftMillis(), speed);
            int gpus = nodes * goal.gpu().perHost();
            var untuned = untuned(goal, gpus);
            var aggregated = best(goal, Planner.Kind.AGGREGATED, gpus);
            var split = best(goal, Planner.Kind.SPLIT, gpus);
            page.row(
                    "%.0f".formatted(speed),
                    untuned.perGpu(load.answer(), gpus),
                    aggregated.perGpu(load.answer(), gpus),
                    split.perGpu(load.answer(), gpus),
                    Page.ratio(split.rate(), aggregated.rate()),
                    Page.ratio(split.rate(), untuned.rate()),
                    Page.ratio(aggregated.rate(), untuned.rate()));
        }
    }

    private Found best(Goal goal, Planner.Kind kind, int gpus) {
        return Found.of(tuning.best(Planner.fleets(goal, kind, gpus), goal));
    }

    private Found untuned(Goal goal, int gpus) {
        var shape =
                new WorkerShape(goal.model(), goal.gpu(), data.untuned().gpus(), goal.precision());
        var fleet =
                new Fleet.Aggregated(
                        shape, gpus / data.untuned().gpus(), data.untuned().stepTokens());
        return new Found(Found.describe(fleet), tuning.rate(fleet, goal));
    }
}
