package dev.stator.sim.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.sim.time.Catalog;
import dev.stator.sim.time.Workload;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

final class ProposalTest {
    private static final Catalog CATALOG = Catalog.builtIn();

    private static Goal goal(
            String gpu, String precision, double rate, double ttft, double itl, int maxGpus) {
        return new Goal(
                CATALOG.model("llama-3.3-70b"),
                CATALOG.gpu(gpu),
                CATALOG.precision(precision),
                new Workload(3000, 150, 0),
                rate,
                ttft,
                itl,
                Percentile.P90,
                maxGpus);
    }

    private static Proposal proposal(
            String gpu, String precision, double rate, double ttft, double itl, int maxGpus) {
        return Proposal.of(
                goal(gpu, precision, rate, ttft, itl, maxGpus), new Planner(new Estimate()));
    }

    /** Confirmed in the simulator. */
    private static Proposal simulated(
            String gpu, String precision, double rate, double ttft, double itl, int maxGpus) {
        return Proposal.of(
                goal(gpu, precision, rate, ttft, itl, maxGpus),
                new Planner(new Estimate()),
                new Rehearsal());
    }

    @Test
    void whatIsProposedKeepsTheLimitsInTheSimulatorWithItsMargin() {
        var proposal = simulated("h100-sxm", "fp8", 4, 500, 30, 64);
        var goal = proposal.goal();
        var choice = proposal.chosen().orElseThrow();
        var trial = choice.trial().orElseThrow();
        var fleet = choice.candidate().fleet();

        assertThat(new Rehearsal().keeps(fleet, goal)).isTrue();
        assertThat(trial.largestRate()).isGreaterThanOrEqualTo(4);
        assertThat(new Rehearsal().keeps(fleet, goal.withRate(trial.largestRate()))).isTrue();
        assertThat(proposal.alternative().flatMap(Proposal.Choice::trial)).isPresent();
        assertThat(proposal.text())
                .containsSubsequence(
                        "Cheapest: ",
                        "  simulated ",
                        "; simulated, up to ",
                        " times what is asked.",
                        "Alternative: ",
                        "  simulated ",
                        "and simulated, over calibrated time models");
    }

    @Test
    void whereTheSimulatorTurnsAFleetDownALargerOneTakesItsPlace() {
        var proposal = simulated("h100-sxm", "fp8", 10, 500, 30, 64);
        var refused = proposal.refused().getFirst();
        var rehearsal = new Rehearsal();

        assertThat(refused.candidate().keeps()).isTrue();
        assertThat(rehearsal.keeps(refused.candidate().fleet(), proposal.goal())).isFalse();
        var same =
                Planner.Kind.of(refused.candidate().fleet())
                                == Planner.Kind.of(
                                        proposal.chosen().orElseThrow().candidate().fleet())
                        ? proposal.chosen()
                        : proposal.alternative();
        assertThat(same.orElseThrow().candidate().fleet().gpus())
                .isGreaterThan(refused.candidate().fleet().gpus());
        assertThat(proposal.text())
                .containsSubsequence(
                        "Formulas proposed these first, but in the simulator they break the limits:",
                        refused.candidate().fleet().describe(),
                        " % of the requests keep both limits");
    }

    @Test
    void whereOnlyFormulasHaveAFleetWithinTheGpusThereIsNone() {
        var proposal = simulated("h100-sxm", "fp8", 10, 500, 30, 9);

        assertThat(proposal("h100-sxm", "fp8", 10, 500, 30, 9).chosen()).isPresent();
        assertThat(proposal.chosen()).isEmpty();
        assertThat(proposal.text())
                .containsSubsequence(
                        "No fleet of up to 9 GPUs keeps the limits.",
                        "Formulas proposed these first, but in the simulator they break the limits:");
    }

    @Test
    void theCheapestComesFirstAndTheOtherKindSaysWhyItLoses() {
        var proposal = proposal("h100-sxm", "fp8", 40, 500, 20, 64);

        assertThat(proposal.text())
                .containsSubsequence(
                        "llama-3.3-70b in fp8 on h100-sxm: prompts of 3,000 tokens",
                        "Cheapest: ",
                        "split: ",
                        "first token, ms",
                        "between tokens, ms",
                        "Keeps both limits up to ",
                        "Alternative: ",
                        "aggregated: ",
                        "It takes ",
                        " more.",
                        "it would come to ",
                        "steps take too long with so many answers, or with prompts in their midst");
    }

    @Test
    void whereNothingIsEnoughItSaysWhatBindsAndWhatWouldHelp() {
        var proposal = proposal("h100-sxm", "fp16", 40, 500, 30, 16);

        assertThat(proposal.chosen()).isEmpty();
        assertThat(proposal.text())
                .containsSubsequence(
                        "No fleet of up to 16 GPUs keeps the limits.",
                        "Closest: ",
                        "What binds: ",
                        "Keeps both limits up to ",
                        "What would help:",
                        " GPUs: ");
    }

    @Test
    void aSmallerPrecisionIsOfferedWhereItWouldDo() {
        assertThat(proposal("h100-sxm", "fp16", 10, 500, 30, 12).help())
                .anyMatch(help -> help.startsWith("precision fp8, with which "));
    }

    @Test
    void whereNoNumberOfGpusIsEnoughItSaysWhatTheGpuReachesAtBest() {
        var proposal = proposal("l4", "fp8", 1, 300, 20, 64);

        assertThat(proposal.help())
                .anyMatch(
                        help ->
                                help.startsWith(
                                        "another GPU, or limits above what idle workers of l4 reach"));
    }

    @Test
    void whereNoWorkerIsSmallEnoughThereIsNoClosest() {
        var proposal = proposal("h100-sxm", "fp16", 1, 500, 50, 1);

        assertThat(proposal.closest()).isEmpty();
        assertThat(proposal.text()).contains("No fleet of up to 1 GPUs");
    }

    @Test
    void programsReadTheSameFigures() {
        var proposal = proposal("h100-sxm", "fp8", 10, 500, 30, 64);
        var json = new JsonMapper().readTree(proposal.json());
        var chosen = proposal.chosen().orElseThrow();

        assertThat(json.at("/cheapest/gpus").asInt()).isEqualTo(chosen.candidate().fleet().gpus());
        assertThat(json.at("/cheapest/ttft-millis/p90").asDouble())
                .isEqualTo(chosen.candidate().forecast().ttft().p90());
        assertThat(json.at("/cheapest").has("simulated")).isFalse();
        assertThat(json.at("/cheapest/largest-rate").asDouble()).isEqualTo(chosen.largestRate());
        assertThat(json.at("/goal/prompt-tokens").asInt()).isEqualTo(3000);

        var confirmed = simulated("h100-sxm", "fp8", 4, 500, 30, 64);
        var trial = confirmed.chosen().orElseThrow().trial().orElseThrow();
        assertThat(
                        new JsonMapper()
                                .readTree(confirmed.json())
                                .at("/cheapest/simulated/largest-rate")
                                .asDouble())
                .isEqualTo(trial.largestRate());
    }
}
