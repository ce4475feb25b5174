package dev.stator.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.routing.Mode;
import dev.stator.routing.Policy;
import dev.stator.routing.RouterOptions;
import dev.stator.routing.WorkerRole;
import dev.stator.sim.time.Catalog;
import dev.stator.sim.time.Roofline;
import dev.stator.sim.time.WorkerShape;
import dev.stator.sim.trace.TraceFiles;
import dev.stator.sim.world.Fleet;
import dev.stator.sim.world.Sla;
import dev.stator.sim.world.Storage;
import dev.stator.sim.world.WorkerGroup;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.xml.sax.InputSource;
import tools.jackson.databind.json.JsonMapper;

class ComparisonTest {
    private static Experiment experiment() {
        var catalog = Catalog.builtIn();
        var shape =
                new WorkerShape(
                        catalog.model("qwen3-8b"),
                        catalog.gpu("h100-sxm"),
                        1,
                        catalog.precision("fp8"));
        var group =
                new WorkerGroup("b", WorkerRole.BOTH, 2, 1, "kind", new Roofline(shape), 64, 2_048);
        var trace =
                TraceFiles.open(
                        Path.of(
                                "src/test/resources/dev/stator/sim/trace/mooncake-conversation-excerpt.jsonl"),
                        OptionalInt.empty(),
                        1_000);
        return new Experiment(
                trace,
                Fleet.of(group)
                        .withNodes(2)
                        .withTiers(Storage.of(8L << 30), Storage.NONE, Storage.NONE),
                "two <workers>",
                RouterOptions.of(Policy.PREDICTED, Mode.AUTO),
                List.of(Policy.PREDICTED, Policy.ROUND_ROBIN),
                List.of(new Experiment.Load.Share(0.5), new Experiment.Load.Rate(4)),
                2,
                200,
                Experiment.WARM_UP,
                new Sla(2_000, 50));
    }

    @Test
    void theSameExperimentGivesTheSameBytes() {
        var one = Comparison.of(experiment(), 1, _ -> {});
        var two = Comparison.of(experiment(), 2, _ -> {});
        assertThat(two.json()).isEqualTo(one.json());
        assertThat(two.html()).isEqualTo(one.html());
        assertThat(two.text()).isEqualTo(one.text());
    }

    @Test
    void everyPolicyIsShownAtEveryLoad() throws Exception {
        var parts = new ArrayList<Double>();
        var comparison = Comparison.of(experiment(), 1, parts::add);
        assertThat(comparison.saturation()).isPositive();
        assertThat(comparison.cells()).hasSize(4);
        assertThat(comparison.cells().getFirst().requestsPerSecond())
                .isEqualTo(comparison.saturation() / 2);
        assertThat(comparison.cells().getLast().requestsPerSecond()).isEqualTo(4);
        assertThat(parts).isSorted().allMatch(part -> part <= 1);

        assertThat(comparison.text())
                .contains("Load 50 %:", "Load 4/s: 4 requests/s", "predicted", "round-robin", "±");
        var json = new JsonMapper().readTree(comparison.json());
        assertThat(json.path("results").size()).isEqualTo(4);
        assertThat(json.path("results").path(0).path("runs").size()).isEqualTo(2);
        assertThat(json.path("results").path(0).path("ttft-p99-millis").path("mean").doubleValue())
                .isPositive();
        assertThat(comparison.html())
                .contains("two &lt;workers&gt;", "Load 4/s")
                .doesNotContain("NaN");
        drawingsAreWellFormed(comparison.html());
    }

    private static void drawingsAreWellFormed(String html) throws Exception {
        int drawings = 0;
        for (int at = html.indexOf("<svg"); at >= 0; at = html.indexOf("<svg", at + 1)) {
            var svg = html.substring(at, html.indexOf("</svg>", at) + 6);
            DocumentBuilderFactory.newInstance()
                    .newDocumentBuilder()
                    .parse(new InputSource(new StringReader(svg)));
            drawings++;
        }
        assertThat(drawings).isEqualTo(6);
    }
}
