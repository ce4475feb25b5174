package dev.stator.cli;

import dev.stator.routing.Policy;
import dev.stator.sim.Comparison;
import dev.stator.sim.Experiment;
import dev.stator.sim.trace.Recorded;
import dev.stator.sim.trace.SessionMix;
import dev.stator.sim.trace.Trace;
import dev.stator.sim.trace.TraceFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Compares routing policies on a simulated fleet. */
@Command(
        name = "simulate",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "Compare routing policies on a simulated fleet. Router, queue, index and cache policy"
                    + " are the real",
            "ones; workers and time are simulated. The same seeds give the same figures."
        },
        footer = {
            "",
            "TRACE is a Mooncake or RAGPulse trace (.jsonl), one of Azure's (.csv), or describes"
                    + " synthetic",
            "sessions (.yaml). --load 0.7 is 70 % of what the fleet ends per second under"
                    + " round-robin with all",
            "requests there from the beginning. Without --load, --rate and --speed it is 0.7; of"
                    + " sessions, whose",
            "later turns cannot come at once, the rate that their file says.",
            "",
            "stator simulate conversation_trace.jsonl --fleet fleet.yaml \\",
            "                --policy predicted,least-loaded --load 0.7,0.9 --seeds 5 --html"
                    + " report.html"
        })
final class SimulateCommand implements Callable<Integer> {
    private static final double USUAL_LOAD = 0.7;
    private static final long SESSION_REQUESTS = 10_000;

    private final Console console;

    @Parameters(paramLabel = "TRACE", description = "what is asked, and when")
    private Path trace = Path.of("");

    @Option(
            names = "--fleet",
            paramLabel = "FILE",
            required = true,
            description = "the fleet (YAML); docs/simulator.md says what can stand there")
    private Path fleet = Path.of("");

    @Option(
            names = "--policy",
            paramLabel = "NAME",
            split = ",",
            description =
                    "predicted, round-robin, random, least-loaded, power-of-two, prefix-hash,"
                            + " dynamo [predicted,least-loaded,round-robin,dynamo]")
    private List<String> policies = List.of("predicted", "least-loaded", "round-robin", "dynamo");

    @Option(
            names = "--load",
            paramLabel = "PART",
            split = ",",
            description = "parts of the fleet's saturation rate")
    private List<Double> loads = List.of();

    @Option(
            names = "--rate",
            paramLabel = "PER-SECOND",
            split = ",",
            description = "requests per second")
    private List<Double> rates = List.of();

    @Option(
            names = "--speed",
            paramLabel = "FACTOR",
            split = ",",
            description = "how many times faster than recorded, or than the sessions' file says")
    private List<Double> speeds = List.of();

    @Option(
            names = "--seeds",
            paramLabel = "N",
            description = "runs of each policy at each load [${DEFAULT-VALUE}]")
    private int seeds = 3;

    @Option(
            names = "--requests",
            paramLabel = "N",
            description =
                    "requests of each run; a part of the trace, or the trace again with other text"
                            + " [all]")
    private Optional<Long> requests = Optional.empty();

    @Option(
            names = "--block-tokens",
            paramLabel = "N",
            description = "tokens per block [what suits the trace]")
    private Optional<Integer> blockTokens = Optional.empty();

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "runs at a time [one for each processor]")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--html", paramLabel = "FILE", description = "write a page with plots")
    private Optional<Path> html = Optional.empty();

    @Option(names = "--json", description = "for programs")
    private boolean json;

    SimulateCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        var file = FleetFile.read(fleet);
        var asked = trace();
        var experiment =
                new Experiment(
                        asked,
                        file.fleet(),
                        file.description(),
                        file.options(),
                        policies.stream().map(SimulateCommand::policy).toList(),
                        loads(asked),
                        atLeastOne("--seeds", seeds),
                        requests.map(number -> atLeast("--requests", 10, number))
                                .orElseGet(() -> all(asked)),
                        Experiment.WARM_UP,
                        file.sla());
        Comparison comparison;
        try (var progress = new PartLine(console)) {
            comparison = Comparison.of(experiment, atLeastOne("--threads", threads), progress);
        }
        console.out().println((json ? comparison.json() : comparison.text()).stripTrailing());
        html.ifPresent(page -> write(page, comparison.html()));
        return 0;
    }

    private Trace trace() {
        var block = blockTokens.map(OptionalInt::of).orElse(OptionalInt.empty());
        var name = trace.toString();
        return name.endsWith(".yaml") || name.endsWith(".yml")
                ? SessionFile.read(trace, block)
                : TraceFiles.open(trace, block, Integer.MAX_VALUE);
    }

    private static long all(Trace trace) {
        return switch (trace) {
            case Recorded recorded -> recorded.requests().size();
            default -> SESSION_REQUESTS;
        };
    }

    private static Policy policy(String name) {
        try {
            return Policy.of(name.strip());
        } catch (IllegalArgumentException e) {
            throw Refusal.misused(String.valueOf(e.getMessage()));
        }
    }

    private List<Experiment.Load> loads(Trace asked) {
        boolean saturates = !(asked instanceof SessionMix);
        if (!saturates && !loads.isEmpty()) {
            throw Refusal.misused(
                    "--load is a part of the rate that the fleet reaches with all requests there at"
                            + " once, which later turns of sessions cannot be; give --rate or"
                            + " --speed instead");
        }
        var all = new ArrayList<Experiment.Load>();
        for (double load : loads) {
            all.add(new Experiment.Load.Share(positive("--load", load)));
        }
        for (double rate : rates) {
            all.add(new Experiment.Load.Rate(positive("--rate", rate)));
        }
        for (double speed : speeds) {
            all.add(new Experiment.Load.Speed(positive("--speed", speed)));
        }
        if (all.isEmpty()) {
            all.add(
                    saturates
                            ? new Experiment.Load.Share(USUAL_LOAD)
                            : new Experiment.Load.Speed(1));
        }
        return all;
    }

    private static double positive(String flag, double value) {
        if (value > 0 && Double.isFinite(value)) {
            return value;
        }
        throw Refusal.misused("%s must be above 0, is %s".formatted(flag, value));
    }

    private static int atLeastOne(String flag, int value) {
        return (int) atLeast(flag, 1, value);
    }

    private static long atLeast(String flag, long least, long value) {
        if (value >= least) {
            return value;
        }
        throw Refusal.misused("%s must be at least %d, is %d".formatted(flag, least, value));
    }

    private void write(Path page, String text) {
        try {
            Files.writeString(page, text);
        } catch (IOException e) {
            throw Refusal.failed("cannot write %s (%s)".formatted(page, Reason.of(e)));
        }
        console.note("wrote " + page);
    }
}
