package dev.stator.sim.claims;

import dev.stator.routing.Mode;
import dev.stator.routing.Policy;
import dev.stator.routing.RouterOptions;
import dev.stator.routing.WorkerRole;
import dev.stator.sim.Comparison;
import dev.stator.sim.Experiment;
import dev.stator.sim.Experiment.Load;
import dev.stator.sim.time.Catalog;
import dev.stator.sim.time.Roofline;
import dev.stator.sim.time.WorkerShape;
import dev.stator.sim.trace.SessionMix;
import dev.stator.sim.trace.Trace;
import dev.stator.sim.trace.TraceFiles;
import dev.stator.sim.world.Fleet;
import dev.stator.sim.world.Origin;
import dev.stator.sim.world.Outcome;
import dev.stator.sim.world.Sla;
import dev.stator.sim.world.WorkerGroup;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

/** What routing by KV is worth against round-robin, from half the saturation rate to beyond it. */
final class RoutingClaim {
    private static final List<Policy> POLICIES =
            List.of(Policy.ROUND_ROBIN, Policy.LEAST_LOADED, Policy.DYNAMO, Policy.PREDICTED);

    private final ClaimsFile.Routing data;
    private final Optional<Path> recorded;
    private final Consumer<String> progress;

    RoutingClaim(ClaimsFile.Routing data, Optional<Path> recorded, Consumer<String> progress) {
        this.data = data;
        this.recorded = recorded;
        this.progress = progress;
    }

    String report() {
        var page = new Page("Routing", data.statement(), data.source(), data.assumptions());
        var comparison =
                Comparison.of(
                        experiment(trace()),
                        1,
                        new Steps(part -> progress.accept("%.0f %%".formatted(part * 100))));
        page.line("");
        page.line(
                "%s; %d run%s of %,d requests each, of which the first tenth does not count.",
                comparison.experiment().trace().name(),
                data.seeds(),
                data.seeds() == 1 ? "" : "s",
                data.requests());
        table(page, comparison, "Mean time to the first token, s", run -> run.firstToken().mean());
        table(page, comparison, "Its 99th percentile, s", run -> run.firstToken().p99());
        shares(page, comparison);
        return page.toString();
    }

    private Trace trace() {
        var sessions = data.sessions();
        return recorded.<Trace>map(
                        file ->
                                TraceFiles.open(
                                        file,
                                        OptionalInt.of(data.blockTokens()),
                                        Integer.MAX_VALUE))
                .orElse(
                        new SessionMix(
                                "Synthetic sessions",
                                data.blockTokens(),
                                1,
                                sessions.groups(),
                                sessions.systemTokens(),
                                sessions.turns(),
                                sessions.turnTokens(),
                                sessions.answerTokens(),
                                sessions.thinkSeconds(),
                                sessions.maxTokens()));
    }

    private Experiment experiment(Trace trace) {
        var catalog = Catalog.builtIn();
        var shape =
                new WorkerShape(
                        catalog.model(data.model()),
                        catalog.gpu(data.gpu()),
                        1,
                        catalog.precision(data.precision()));
        var group =
                new WorkerGroup(
                        "b",
                        WorkerRole.BOTH,
                        data.workers(),
                        1,
                        shape.toString(),
                        new Roofline(shape),
                        data.maxRunning(),
                        data.stepTokens());
        return new Experiment(
                trace,
                Fleet.of(group),
                "",
                RouterOptions.of(Policy.PREDICTED, Mode.AGGREGATED)
                        .withBindMillis(Double.POSITIVE_INFINITY),
                POLICIES,
                data.rates().stream().<Load>map(Load.Rate::new).toList(),
                data.seeds(),
                data.requests(),
                Experiment.WARM_UP,
                new Sla(data.ttftMillis(), data.itlMillis()));
    }

    private static void table(
            Page page, Comparison comparison, String caption, ToDoubleFunction<Outcome> millis) {
        page.table(
                caption,
                "requests",
                "round-robin",
                "least-loaded",
                "dynamo",
                "predicted",
                "round-robin ÷ dynamo",
                "round-robin ÷ predicted",
                "least-loaded ÷ predicted");
        for (var load : comparison.experiment().loads()) {
            double[] seconds = of(comparison, load, run -> millis.applyAsDouble(run) / 1e3);
            page.row(
                    load.label(),
                    Page.number(seconds[0]),
                    Page.number(seconds[1]),
                    Page.number(seconds[2]),
                    Page.number(seconds[3]),
                    Page.ratio(seconds[0], seconds[2]),
                    Page.ratio(seconds[0], seconds[3]),
                    Page.ratio(seconds[1], seconds[3]));
        }
    }

    private static void shares(Page page, Comparison comparison) {
        page.table(
                "Prompt tokens that need no computing, and requests within both limits, %",
                "requests", "round-robin", "least-loaded", "dynamo", "predicted");
        for (var load : comparison.experiment().loads()) {
            double[] hits = of(comparison, load, run -> 100 * (1 - run.share(Origin.COMPUTED)));
            double[] good = of(comparison, load, run -> 100 * run.goodShare());
            page.row(
                    load.label(),
                    "%.0f, %.0f".formatted(hits[0], good[0]),
                    "%.0f, %.0f".formatted(hits[1], good[1]),
                    "%.0f, %.0f".formatted(hits[2], good[2]),
                    "%.0f, %.0f".formatted(hits[3], good[3]));
        }
    }

    /** A figure's mean over the runs, policy by policy. */
    private static double[] of(Comparison comparison, Load load, ToDoubleFunction<Outcome> figure) {
        return comparison.cells().stream()
                .filter(cell -> cell.load().equals(load))
                .mapToDouble(cell -> cell.mean(figure))
                .toArray();
    }
}
