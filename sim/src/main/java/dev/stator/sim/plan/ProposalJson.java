package dev.stator.sim.plan;

import dev.stator.sim.plan.Planner.Candidate;
import dev.stator.sim.plan.Planner.Kind;
import dev.stator.sim.time.WorkerShape;
import java.util.Locale;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A proposal as JSON. What has no end is null. */
final class ProposalJson {
    private static final JsonMapper MAPPER = JsonMapper.shared();

    private ProposalJson() {}

    static String of(Proposal proposal) {
        var root = MAPPER.createObjectNode();
        goal(root.putObject("goal"), proposal.goal());
        proposal.chosen().ifPresent(choice -> choice(root.putObject("cheapest"), choice));
        proposal.alternative().ifPresent(choice -> choice(root.putObject("alternative"), choice));
        proposal.sameGpus().ifPresent(same -> candidate(root.putObject("same-gpus"), same));
        proposal.closest().ifPresent(choice -> choice(root.putObject("closest"), choice));
        var refused = root.putArray("refused");
        proposal.refused()
                .forEach(
                        each -> {
                            var node = refused.addObject();
                            candidate(node, each.candidate());
                            trial(node.putObject("simulated"), each.trial());
                        });
        var help = root.putArray("help");
        proposal.help().forEach(help::add);
        return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(root);
    }

    private static void goal(ObjectNode node, Goal goal) {
        node.put("model", goal.model().name());
        node.put("gpu", goal.gpu().name());
        node.put("precision", goal.precision().name());
        node.put("prompt-tokens", goal.load().promptTokens());
        node.put("hit-tokens", goal.load().hitTokens());
        node.put("answer-tokens", goal.load().answerTokens());
        node.put("requests-per-second", goal.requestsPerSecond());
        node.put("ttft-millis", goal.ttftMillis());
        node.put("itl-millis", goal.itlMillis());
        node.put("percentile", goal.percentile().name().toLowerCase(Locale.ROOT));
        node.put("max-gpus", goal.maxGpus());
    }

    private static void choice(ObjectNode node, Proposal.Choice choice) {
        candidate(node, choice.candidate());
        node.put("largest-rate", choice.largestRate());
        choice.trial().ifPresent(trial -> trial(node.putObject("simulated"), trial));
    }

    private static void trial(ObjectNode node, Trial trial) {
        figure(node.putObject("ttft-millis"), trial.ttft());
        figure(node.putObject("itl-millis"), trial.itl());
        node.put("good-share", trial.outcome().goodShare());
        node.put("largest-rate", trial.largestRate());
    }

    private static void candidate(ObjectNode node, Candidate candidate) {
        node.put("gpus", candidate.fleet().gpus());
        node.put("kind", Kind.of(candidate.fleet()).name().toLowerCase(Locale.ROOT));
        switch (candidate.fleet()) {
            case Fleet.Aggregated fleet -> {
                workers(node.putObject("workers"), fleet.worker(), fleet.workers());
                node.put("step-tokens", fleet.stepTokens());
            }
            case Fleet.Split fleet -> {
                workers(node.putObject("prefill"), fleet.prefill(), fleet.prefillWorkers());
                workers(node.putObject("decode"), fleet.decode(), fleet.decodeWorkers());
            }
        }
        var forecast = candidate.forecast();
        figure(node.putObject("ttft-millis"), forecast.ttft());
        figure(node.putObject("itl-millis"), forecast.itl());
        finite(node, "margin", candidate.margin());
        node.put("prefill-busy", forecast.prefillBusy());
        finite(node, "running", forecast.running());
        node.put("room", forecast.room());
        node.put("limit", forecast.limit().name().toLowerCase(Locale.ROOT).replace('_', '-'));
    }

    private static void workers(ObjectNode node, WorkerShape shape, int count) {
        node.put("count", count);
        node.put("gpus", shape.gpus());
    }

    private static void figure(ObjectNode node, Figure figure) {
        finite(node, "mean", figure.mean());
        finite(node, "p90", figure.p90());
        finite(node, "p99", figure.p99());
    }

    private static void finite(ObjectNode node, String name, double value) {
        if (Double.isFinite(value)) {
            node.put(name, value);
        } else {
            node.putNull(name);
        }
    }
}
