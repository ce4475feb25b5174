package dev.stator.bench;

import dev.stator.routing.Mode;
import dev.stator.routing.Policy;
import dev.stator.routing.RouterOptions;
import dev.stator.routing.WorkerRole;
import dev.stator.sim.Experiment;
import dev.stator.sim.Saturation;
import dev.stator.sim.time.Catalog;
import dev.stator.sim.time.Roofline;
import dev.stator.sim.time.WorkerShape;
import dev.stator.sim.trace.Recorded;
import dev.stator.sim.trace.TraceFiles;
import dev.stator.sim.world.Fleet;
import dev.stator.sim.world.Sla;
import dev.stator.sim.world.Storage;
import dev.stator.sim.world.WorkerGroup;
import dev.stator.sim.world.World;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.OptionalInt;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How fast the simulator is: requests that one thread simulates in a minute, with the policy that
 * predicts milliseconds, against round-robin, which decides for nothing. The two take turns.
 */
@Command(
        name = "sim",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Requests simulated in a minute with 64 workers; bar >= 1,000,000.")
final class SimulationBench extends Bench {
    private static final Bar BAR = Bar.atLeast(1e6);
    private static final int WORKERS_PER_NODE = 8;

    @Option(
            names = "--trace",
            required = true,
            description = "Mooncake's conversation_trace.jsonl, which is repeated with other text.")
    private Path trace = Path.of("");

    @Option(names = "--workers", description = "Default: ${DEFAULT-VALUE}.")
    private int workers = 64;

    @Option(names = "--requests", description = "Of each run (default: ${DEFAULT-VALUE}).")
    private long requests = 100_000;

    @Option(
            names = "--load",
            description = "Part of the fleet's saturation rate (default: ${DEFAULT-VALUE}).")
    private double load = 0.7;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 3;

    @Override
    public Integer call() {
        var recorded = TraceFiles.open(trace, OptionalInt.empty(), Integer.MAX_VALUE);
        var fleet = fleet();
        var sla = new Sla(2_000, 50);
        double rate =
                load
                        * Saturation.of(
                                recorded,
                                fleet,
                                RouterOptions.of(Policy.ROUND_ROBIN, Mode.AUTO),
                                Math.min(requests, 100L * fleet.workers()));
        var report =
                report(
                        "sim",
                        BAR,
                        "%s, %d workers of one H100 with qwen3-32b, a host tier on each of %d nodes, %,d requests at %.0f %% load (%.1f/s)"
                                .formatted(
                                        trace.getFileName(),
                                        workers,
                                        fleet.nodes(),
                                        requests,
                                        load * 100,
                                        rate));
        double[] blind = new double[rounds];
        double[] predicted = new double[rounds];
        // One round more, which does not count.
        for (int round = -1; round < rounds; round++) {
            int seed = round + 2;
            double reference =
                    simulate(report, recorded, fleet, Policy.ROUND_ROBIN, rate, sla, seed);
            double subject = simulate(report, recorded, fleet, Policy.PREDICTED, rate, sla, seed);
            if (round >= 0) {
                blind[round] = reference;
                predicted[round] = subject;
            }
        }
        double median = Samples.of(predicted).median();
        report.extra("sim.predicted/round-robin", median / Samples.of(blind).median());
        report.ratio("sim.requests-per-minute", median);
        return report.end();
    }

    private Fleet fleet() {
        var catalog = Catalog.builtIn();
        var shape =
                new WorkerShape(
                        catalog.model("qwen3-32b"),
                        catalog.gpu("h100-sxm"),
                        1,
                        catalog.precision("fp8"));
        var group =
                new WorkerGroup(
                        "b",
                        WorkerRole.BOTH,
                        workers,
                        1,
                        shape.toString(),
                        new Roofline(shape),
                        256,
                        2_048);
        return Fleet.of(group)
                .withNodes(Math.ceilDiv(workers, WORKERS_PER_NODE))
                .withTiers(Storage.of(256L << 30), Storage.NONE, Storage.NONE);
    }

    /**
     * @return requests a minute
     */
    private double simulate(
            Report report,
            Recorded recorded,
            Fleet fleet,
            Policy policy,
            double rate,
            Sla sla,
            int seed) {
        var threads = ManagementFactory.getThreadMXBean();
        long start = System.nanoTime();
        long cpu = threads.getCurrentThreadCpuTime();
        var outcome =
                new World(
                                fleet,
                                RouterOptions.of(policy, Mode.AUTO),
                                recorded.arrivals(seed, rate, requests),
                                recorded.blockTokens(),
                                (long) (requests * Experiment.WARM_UP),
                                seed,
                                _ -> {})
                        .run(sla);
        double minutes = (System.nanoTime() - start) / 60e9;
        double cpuMinutes = (threads.getCurrentThreadCpuTime() - cpu) / 60e9;
        report.line(
                "%-11s %,9.0f requests/min (%,9.0f per minute of its thread's processor time); TTFT p50 %,.0f ms, p99 %,.0f ms, %.0f s simulated",
                policy.label(),
                requests / minutes,
                requests / cpuMinutes,
                outcome.firstToken().p50(),
                outcome.firstToken().p99(),
                outcome.seconds());
        return requests / minutes;
    }
}
