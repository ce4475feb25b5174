package dev.stator.sim;

import dev.stator.sim.world.Outcome;
import java.util.Locale;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A comparison as JSON: every figure as mean and half interval, and every run by itself. */
final class ComparisonJson {
    private static final JsonMapper MAPPER = JsonMapper.shared();

    private ComparisonJson() {}

    static String of(Comparison comparison) {
        var experiment = comparison.experiment();
        var root = MAPPER.createObjectNode();
        root.put("trace", experiment.trace().name());
        root.put("fleet", experiment.description());
        root.put("requests", experiment.requests());
        root.put("warm-up", experiment.warmUp());
        root.put("seeds", experiment.seeds());
        root.put("sla-ttft-millis", experiment.sla().firstTokenMillis());
        root.put("sla-itl-millis", experiment.sla().gapMillis());
        number(root, "saturation-requests-per-second", comparison.saturation());
        var results = root.putArray("results");
        for (var cell : comparison.cells()) {
            var node = results.addObject();
            node.put("load", cell.load().label());
            node.put("policy", cell.policy().label());
            number(node, "requests-per-second", cell.requestsPerSecond());
            for (var figure : Figure.values()) {
                var interval = cell.interval(figure.of);
                var value = node.putObject(figure.key);
                number(value, "mean", interval.mean());
                number(value, "half", interval.half());
            }
            var runs = node.putArray("runs");
            cell.outcomes().forEach(outcome -> run(runs.addObject(), outcome));
        }
        return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(root);
    }

    private static void run(ObjectNode node, Outcome outcome) {
        node.put("requests", outcome.requests());
        node.put("counted", outcome.counted());
        node.put("refused", outcome.refused());
        number(node, "seconds", outcome.seconds());
        number(node, "busy", outcome.busy());
        node.put("preemptions", outcome.preemptions());
        node.put("restarts", outcome.restarts());
        for (var figure : Figure.values()) {
            number(node, figure.key, figure.of.applyAsDouble(outcome));
        }
        var origins = node.putObject("origins");
        outcome.origins()
                .forEach(
                        (origin, share) ->
                                number(origins, origin.name().toLowerCase(Locale.ROOT), share));
    }

    /** JSON has no NaN: what there is not is null. */
    private static void number(ObjectNode node, String name, double value) {
        if (Double.isFinite(value)) {
            node.put(name, value);
        } else {
            node.putNull(name);
        }
    }
}
