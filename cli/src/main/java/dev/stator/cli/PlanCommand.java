package dev.stator.cli;

import dev.stator.sim.plan.Estimate;
import dev.stator.sim.plan.Goal;
import dev.stator.sim.plan.Percentile;
import dev.stator.sim.plan.Planner;
import dev.stator.sim.plan.Proposal;
import dev.stator.sim.plan.Rehearsal;
import dev.stator.sim.time.Catalog;
import dev.stator.sim.time.Workload;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Searches the cheapest fleet that keeps given limits under a given load. */
@Command(
        name = "plan",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "Find the cheapest fleet of GPUs that serves a load within limits, and what the other way to",
            "divide the work (aggregated, or split into prefill and decode workers) would take. Formulas",
            "propose, a simulation confirms."
        },
        footer = {
            "",
            "stator plan --model llama-3.3-70b --gpu h100-sxm --precision fp8 --isl 3000 --osl 150 \\",
            "            --rate 10 --ttft 500 --itl 30"
        })
final class PlanCommand implements Callable<Integer> {
    private final Console console;

    @Option(
            names = "--model",
            paramLabel = "NAME",
            required = true,
            description = "e.g. llama-3.3-70b; a wrong name lists all")
    private String model = "";

    @Option(
            names = "--gpu",
            paramLabel = "NAME",
            required = true,
            description = "e.g. h100-sxm; a wrong name lists all")
    private String gpu = "";

    @Option(
            names = "--precision",
            paramLabel = "NAME",
            description = "fp16, fp8, fp8-kv16, fp4 or mxfp4 [${DEFAULT-VALUE}]")
    private String precision = "fp8";

    @Option(
            names = "--isl",
            paramLabel = "TOKENS",
            required = true,
            description = "length of prompts")
    private int promptTokens;

    @Option(
            names = "--osl",
            paramLabel = "TOKENS",
            required = true,
            description = "length of answers")
    private int answerTokens;

    @Option(
            names = "--prefix-hit",
            paramLabel = "PART",
            description =
                    "part of each prompt whose KV lies in the host tier, from 0 to below 1 [${DEFAULT-VALUE}]")
    private double prefixHit;

    @Option(
            names = "--rate",
            paramLabel = "PER-SECOND",
            required = true,
            description = "requests that arrive in a second, at random")
    private double rate;

    @Option(
            names = "--ttft",
            paramLabel = "MILLIS",
            required = true,
            description = "limit of the time to the first token")
    private double ttftMillis;

    @Option(
            names = "--itl",
            paramLabel = "MILLIS",
            required = true,
            description = "limit of a request's mean time between tokens")
    private double itlMillis;

    @Option(
            names = "--percentile",
            paramLabel = "p90|p99",
            description = "part of the requests that must keep the limits [${DEFAULT-VALUE}]")
    private Percentile percentile = Percentile.P90;

    @Option(
            names = "--max-gpus",
            paramLabel = "NUMBER",
            description = "the most GPUs that may be used [${DEFAULT-VALUE}]")
    private int maxGpus = 64;

    @Option(
            names = "--formulas",
            description = "do not confirm in the simulator what formulas propose")
    private boolean formulas;

    @Option(names = "--json", description = "for programs")
    private boolean json;

    PlanCommand(Console console) {
        this.console = console;
    }

    /** Fails if nothing keeps the limits; the page then says what would help. */
    @Override
    public Integer call() {
        var catalog = Catalog.builtIn();
        var goal =
                new Goal(
                        catalog.model(model),
                        catalog.gpu(gpu),
                        catalog.precision(precision),
                        new Workload(promptTokens, answerTokens, prefixHit),
                        rate,
                        ttftMillis,
                        itlMillis,
                        percentile,
                        maxGpus);
        var planner = new Planner(new Estimate());
        var proposal =
                formulas
                        ? Proposal.of(goal, planner)
                        : new Patience(console)
                                .during(
                                        "simulating the proposals",
                                        () -> Proposal.of(goal, planner, new Rehearsal()));
        console.out().println((json ? proposal.json() : proposal.text()).stripTrailing());
        return proposal.chosen().isPresent() ? 0 : Refusal.FAILED;
    }
}
