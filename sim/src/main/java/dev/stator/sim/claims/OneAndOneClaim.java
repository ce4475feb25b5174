package dev.stator.sim.claims;

import dev.stator.sim.claims.ClaimsFile.Load;
import dev.stator.sim.plan.Fleet;
import dev.stator.sim.plan.Goal;
import dev.stator.sim.plan.Planner;
import dev.stator.sim.plan.Rehearsal;
import dev.stator.sim.plan.Tuning;
import java.util.function.Consumer;

/** A published way to divide one host, against the best ones. */
final class OneAndOneClaim {
    private final ClaimsFile.OneAndOne data;
    private final Consumer<String> progress;
    private final Tuning tuning = new Tuning(new Rehearsal());

    OneAndOneClaim(ClaimsFile.OneAndOne data, Consumer<String> progress) {
        this.data = data;
        this.progress = progress;
    }

    String report() {
        var page = new Page("One and one", data.statement(), data.source(), data.assumptions());
        data.loads().forEach(load -> table(page, load));
        return page.toString();
    }

    private void table(Page page, Load load) {
        page.table(
                "Prompts / answers of %s tokens: answer tokens/s per GPU".formatted(load),
                "tokens/s per user",
                "one and one",
                "recipe",
                "tuned split",
                "tuned aggregated (workers×GPUs, step)",
                "one and one ÷ tuned split",
                "one and one ÷ tuned aggregated");
        for (double speed : data.userSpeeds()) {
            progress.accept("%s, %.0f tokens/s".formatted(load, speed));
            var goal = data.goal(load, data.ttftMillis(), speed);
            int gpus = goal.gpu().perHost();
            var proposed = found(data.proposed().of(goal), goal);
            var split = best(goal, Planner.Kind.SPLIT, gpus);
            var aggregated = best(goal, Planner.Kind.AGGREGATED, gpus);
            page.row(
                    "%.0f".formatted(speed),
                    proposed.perGpu(load.answer(), gpus),
                    found(data.recipe().of(goal), goal).perGpu(load.answer(), gpus),
                    split.perGpu(load.answer(), gpus),
                    aggregated.perGpu(load.answer(), gpus),
                    Page.ratio(proposed.rate(), split.rate()),
                    Page.ratio(proposed.rate(), aggregated.rate()));
        }
    }

    private Found best(Goal goal, Planner.Kind kind, int gpus) {
        return Found.of(tuning.best(Planner.fleets(goal, kind, gpus), goal));
    }

    private Found found(Fleet fleet, Goal goal) {
        return new Found(Found.describe(fleet), tuning.rate(fleet, goal));
    }
}
