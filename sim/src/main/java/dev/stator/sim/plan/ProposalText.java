package dev.stator.sim.plan;

import dev.stator.sim.plan.Planner.Candidate;
import dev.stator.sim.plan.Planner.Kind;
import java.util.Locale;

/** A proposal as a page for people. */
final class ProposalText {
    private final Proposal proposal;
    private final Goal goal;
    private final StringBuilder page = new StringBuilder();

    ProposalText(Proposal proposal) {
        this.proposal = proposal;
        this.goal = proposal.goal();
        question();
        if (proposal.chosen().isPresent()) {
            answer(proposal.chosen().get());
        } else {
            refusal();
        }
        line("");
        boolean simulated = proposal.chosen().flatMap(Proposal.Choice::trial).isPresent();
        line(
                "Estimated by formulas of queues%s over calibrated time models, for prompts and answers all",
                simulated ? ", and simulated," : "");
        line("of these lengths that arrive at random; see docs/time-models.md.");
    }

    private void question() {
        var load = goal.load();
        line(
                "%s in %s on %s: prompts of %,d tokens%s, answers of %,d, %s requests/s",
                goal.model().name(),
                goal.precision().name(),
                goal.gpu().name(),
                load.promptTokens(),
                load.hitTokens() == 0
                        ? ""
                        : " of which %,d are in the host tier".formatted(load.hitTokens()),
                load.answerTokens(),
                number(goal.requestsPerSecond()));
        line(
                "%s of the requests: first token within %s ms, at most %s ms between tokens",
                goal.percentile() == Percentile.P90 ? "90 %" : "99 %",
                number(goal.ttftMillis()),
                number(goal.itlMillis()));
        line("");
    }

    private void answer(Proposal.Choice chosen) {
        line("Cheapest: %s", headline(chosen.candidate()));
        figures(chosen);
        capacity(chosen);
        line("");
        var kind = Kind.of(chosen.candidate().fleet()).other();
        if (proposal.alternative().isPresent()) {
            var other = proposal.alternative().get();
            line("Alternative: %s", headline(other.candidate()));
            figures(other);
            capacity(other);
            line("  %s", comparison(chosen, other));
        } else {
            line(
                    "%s: no number of GPUs keeps the limits",
                    kind == Kind.SPLIT ? "Split" : "Aggregated");
        }
        proposal.sameGpus().filter(same -> !same.keeps()).ifPresent(this::loser);
        refused();
    }

    /** What the simulator turned down. */
    private void refused() {
        if (!proposal.refused().isEmpty()) {
            line("");
            line("Formulas proposed these first, but in the simulator they break the limits:");
        }
        for (var refused : proposal.refused()) {
            var trial = refused.trial();
            line("  %s", headline(refused.candidate()));
            line(
                    "    %.1f %% of the requests keep both limits; first token after %s ms, %s ms between tokens (%s)",
                    100 * trial.outcome().goodShare(),
                    millis(trial.ttft().at(goal.percentile())),
                    millis(trial.itl().at(goal.percentile())),
                    goal.percentile().name().toLowerCase(Locale.ROOT));
        }
    }

    private void loser(Candidate same) {
        line(
                "  With %d GPUs it would come to %s: %s.",
                same.fleet().gpus(), broken(same.forecast()), reason(same.forecast().limit()));
    }

    private void refusal() {
        line("No fleet of up to %d GPUs keeps the limits.", goal.maxGpus());
        proposal.closest()
                .ifPresent(
                        closest -> {
                            line("");
                            line("Closest: %s", headline(closest.candidate()));
                            figures(closest);
                            line(
                                    "  What binds: %s.",
                                    reason(closest.candidate().forecast().limit()));
                            if (closest.largestRate() > 0) {
                                line(
                                        "  Keeps both limits up to %s requests/s.",
                                        number(closest.largestRate()));
                            }
                        });
        if (!proposal.help().isEmpty()) {
            line("");
            line("What would help:");
            proposal.help().forEach(help -> line("  - %s", help));
        }
        refused();
    }

    private static String headline(Candidate candidate) {
        return "%d GPU%s, %s: %s"
                .formatted(
                        candidate.fleet().gpus(),
                        candidate.fleet().gpus() == 1 ? "" : "s",
                        Kind.of(candidate.fleet()).name().toLowerCase(Locale.ROOT),
                        candidate.fleet().describe());
    }

    private void figures(Proposal.Choice choice) {
        var forecast = choice.candidate().forecast();
        line("  %-20s %8s %8s %8s %8s %8s", "", "mean", "p90", "p99", "limit", "margin");
        row("first token, ms", forecast.ttft(), goal.ttftMillis());
        choice.trial().ifPresent(trial -> row("  simulated", trial.ttft(), goal.ttftMillis()));
        row("between tokens, ms", forecast.itl(), goal.itlMillis());
        choice.trial().ifPresent(trial -> row("  simulated", trial.itl(), goal.itlMillis()));
    }

    private void row(String what, Figure figure, double limit) {
        double margin = figure.margin(goal.percentile(), limit);
        line(
                "  %-20s %8s %8s %8s %8s %8s",
                what,
                millis(figure.mean()),
                millis(figure.p90()),
                millis(figure.p99()),
                millis(limit),
                Double.isFinite(margin) ? "%.0f %%".formatted(100 * margin) : "none");
    }

    private void capacity(Proposal.Choice choice) {
        var forecast = choice.candidate().forecast();
        line(
                "  Prompts are computed in %.0f %% of the time; %.0f answers at a time, KV has room for %,d.",
                100 * forecast.prefillBusy(), Math.max(1, forecast.running()), forecast.room());
        var simulated =
                choice.trial()
                        .map(
                                trial ->
                                        "; simulated, up to %s, %.2f times what is asked"
                                                .formatted(
                                                        number(trial.largestRate()),
                                                        trial.largestRate()
                                                                / goal.requestsPerSecond()))
                        .orElse("");
        line("  Keeps both limits up to %s requests/s%s.", number(choice.largestRate()), simulated);
    }

    private String comparison(Proposal.Choice best, Proposal.Choice other) {
        int more = other.candidate().fleet().gpus() - best.candidate().fleet().gpus();
        if (more > 0) {
            return "It takes %d GPU%s more.".formatted(more, more == 1 ? "" : "s");
        }
        return best.trial().isPresent() && other.trial().isPresent()
                ? "It takes as many GPUs but keeps the limits up to %s requests/s instead of %s."
                        .formatted(
                                number(other.trial().get().largestRate()),
                                number(best.trial().get().largestRate()))
                : "It takes as many GPUs but leaves a margin of %.0f %% instead of %.0f %%."
                        .formatted(
                                100 * other.candidate().margin(), 100 * best.candidate().margin());
    }

    private String broken(Forecast forecast) {
        double ttft = forecast.ttft().margin(goal.percentile(), goal.ttftMillis());
        double itl = forecast.itl().margin(goal.percentile(), goal.itlMillis());
        return ttft <= itl
                ? "%s to the first token".formatted(duration(forecast.ttft()))
                : "%s between tokens".formatted(duration(forecast.itl()));
    }

    private String duration(Figure figure) {
        double millis = figure.at(goal.percentile());
        return Double.isFinite(millis) ? millis(millis) + " ms" : "no end";
    }

    static String reason(Forecast.Limit limit) {
        return switch (limit) {
            case PREFILL_QUEUE -> "prompts wait too long for a worker that computes them";
            case PREFILL_TIME -> "a prompt takes too long to compute even alone on a worker";
            case STEP_TIME -> "a step takes too long even for a single answer";
            case STEP_LOAD ->
                    "steps take too long with so many answers, or with prompts in their midst";
            case KV_ROOM -> "device memory has no room for as many answers as run at a time";
            case TRANSFER ->
                    "the links of the decode workers carry no more KV from the prefill workers";
        };
    }

    private static String millis(double millis) {
        if (!Double.isFinite(millis)) {
            return "no end";
        }
        return (millis < 100 ? "%.1f" : "%,.0f").formatted(millis);
    }

    private static String number(double value) {
        return value == Math.rint(value) ? "%,.0f".formatted(value) : "%.3g".formatted(value);
    }

    private void line(String format, Object... arguments) {
        page.append(arguments.length == 0 ? format : String.format(Locale.ROOT, format, arguments))
                .append('\n');
    }

    @Override
    public String toString() {
        return page.toString();
    }
}
