package dev.stator.sim.plan;

import dev.stator.sim.time.SetupException;
import dev.stator.sim.time.WorkerShape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Searches sizes and numbers of workers for the fleet that keeps the limits with the fewest GPUs.
 *
 * <p>For each size of worker, each limit is kept from some number of workers on; those numbers are
 * found one after the other, so that the search asks its judge some thousand times at most.
 */
public final class Planner {
    /** Prompt tokens per step that aggregated workers are tried with. */
    private static final List<Integer> STEP_TOKENS =
            List.of(64, 128, 256, 512, 1024, 2048, 4096, 8192);

    private static final int MORE_DECODE_WORKERS = 2;
    private static final int RATE_ROUNDS = 20;

    /** The part of the rate at which nothing waits for anything. */
    private static final double IDLE = 1e-6;

    private static final Comparator<Candidate> BETTER =
            Comparator.<Candidate>comparingInt(candidate -> candidate.fleet().gpus())
                    .thenComparing(Comparator.comparingDouble(Candidate::margin).reversed());

    private final Judge judge;

    public Planner(Judge judge) {
        this.judge = judge;
    }

    /** The two ways to divide the work. */
    public enum Kind {
        AGGREGATED,
        SPLIT;

        static Kind of(Fleet fleet) {
            return switch (fleet) {
                case Fleet.Aggregated _ -> AGGREGATED;
                case Fleet.Split _ -> SPLIT;
            };
        }

        Kind other() {
            return this == SPLIT ? AGGREGATED : SPLIT;
        }
    }

    /**
     * @param margin as of {@link Forecast#margin}
     */
    public record Candidate(Fleet fleet, Forecast forecast, double margin) {
        boolean keeps() {
            return margin >= 0;
        }
    }

    /**
     * @param split the best fleet of this kind that keeps the limits, whatever its size up to
     *     {@link Goal#MOST_GPUS}
     * @param aggregated likewise
     */
    public record Result(Optional<Candidate> split, Optional<Candidate> aggregated) {
        /** The better of both. */
        public Optional<Candidate> cheapest() {
            return Stream.concat(split.stream(), aggregated.stream()).min(BETTER);
        }

        Optional<Candidate> of(Kind kind) {
            return kind == Kind.SPLIT ? split : aggregated;
        }
    }

    /**
     * @throws SetupException if the model fits no worker of that kind of GPU
     */
    public Result search(Goal goal) {
        var shapes = shapes(goal);
        var splits = new ArrayList<Candidate>();
        for (var prefill : shapes) {
            for (var decode : shapes) {
                splits.addAll(splits(goal, prefill, decode));
            }
        }
        var aggregated = new ArrayList<Candidate>();
        for (var shape : shapes) {
            for (int stepTokens : STEP_TOKENS) {
                aggregated.add(
                        smallest(
                                goal,
                                shape,
                                workers -> new Fleet.Aggregated(shape, workers, stepTokens)));
            }
        }
        return new Result(best(splits), best(aggregated));
    }

    /** What keeps the limits best, or comes closest to them, with so many GPUs and no more. */
    Optional<Candidate> closest(Goal goal, Kind kind, int gpus) {
        return fleets(goal, kind, gpus)
                .map(fleet -> candidate(goal, fleet))
                .max(Comparator.comparingDouble(Candidate::margin));
    }

    /**
     * What keeps the limits up to the largest rate with so many GPUs, where no fleet keeps them at
     * the rate that is asked for. If none keeps them at any rate, what comes closest when idle.
     */
    Optional<Candidate> strongest(Goal goal, int gpus) {
        var idle = goal.withRate(goal.requestsPerSecond() * IDLE);
        return Stream.of(Kind.values())
                .flatMap(kind -> fleets(goal, kind, gpus))
                .max(
                        Comparator.<Fleet>comparingDouble(fleet -> largestRate(fleet, goal))
                                .thenComparing(fleet -> candidate(idle, fleet).margin()))
                .map(fleet -> candidate(goal, fleet));
    }

    /** The shortest time to the first token and between tokens that any worker reaches alone. */
    Figures idle(Goal goal) {
        var idle = goal.withRate(goal.requestsPerSecond() * IDLE);
        var forecasts =
                shapes(goal).stream()
                        .map(shape -> judge.judge(new Fleet.Split(shape, 1, shape, 1), idle))
                        .toList();
        return new Figures(
                forecasts.stream().mapToDouble(f -> f.ttft().mean()).min().orElseThrow(),
                forecasts.stream().mapToDouble(f -> f.itl().mean()).min().orElseThrow());
    }

    /** In milliseconds. */
    record Figures(double ttft, double itl) {}

    /** All that can be made of so many GPUs, which may leave some unused. */
    public static Stream<Fleet> fleets(Goal goal, Kind kind, int gpus) {
        var shapes = shapes(goal).stream().filter(shape -> shape.gpus() <= gpus).toList();
        return switch (kind) {
            case AGGREGATED ->
                    shapes.stream().flatMap(shape -> aggregated(shape, gpus / shape.gpus()));
            case SPLIT ->
                    shapes.stream()
                            .flatMap(
                                    prefill ->
                                            shapes.stream()
                                                    .flatMap(
                                                            decode ->
                                                                    divisions(
                                                                            prefill, decode,
                                                                            gpus)));
        };
    }

    private static Stream<Fleet> aggregated(WorkerShape shape, int workers) {
        return STEP_TOKENS.stream().map(tokens -> new Fleet.Aggregated(shape, workers, tokens));
    }

    /** All ways to divide so many GPUs between prefill and decode workers. */
    private static Stream<Fleet> divisions(WorkerShape prefill, WorkerShape decode, int gpus) {
        return IntStream.rangeClosed(1, (gpus - prefill.gpus()) / decode.gpus())
                .mapToObj(
                        workers ->
                                new Fleet.Split(
                                        prefill,
                                        (gpus - workers * decode.gpus()) / prefill.gpus(),
                                        decode,
                                        workers));
    }

    /** The largest rate that a fleet keeps the limits at, in requests per second. */
    public double largestRate(Fleet fleet, Goal goal) {
        double holds = 0;
        double fails = goal.requestsPerSecond();
        while (judge.judge(fleet, goal.withRate(fails)).meets(goal)) {
            holds = fails;
            fails *= 2;
        }
        for (int i = 0; i < RATE_ROUNDS; i++) {
            double middle = (holds + fails) / 2;
            if (judge.judge(fleet, goal.withRate(middle)).meets(goal)) {
                holds = middle;
            } else {
                fails = middle;
            }
        }
        return holds;
    }

    /**
     * Decode workers first, as many as the time between tokens needs, with prefill workers in
     * plenty; then prefill workers. A decode worker more can save a prefill worker, so that is
     * tried too.
     */
    private List<Candidate> splits(Goal goal, WorkerShape prefill, WorkerShape decode) {
        int plenty = Goal.MOST_GPUS / 2 / prefill.gpus();
        var enough =
                smallest(
                        goal, decode, workers -> new Fleet.Split(prefill, plenty, decode, workers));
        var found = new ArrayList<Candidate>();
        if (!(enough.fleet() instanceof Fleet.Split split) || !enough.keeps()) {
            return List.of(enough);
        }
        for (int more = 0; more <= MORE_DECODE_WORKERS; more++) {
            int workers = split.decodeWorkers() + more;
            found.add(
                    smallest(
                            goal,
                            prefill,
                            count -> new Fleet.Split(prefill, count, decode, workers)));
        }
        return found;
    }

    /** The fleet with the fewest workers that keeps the limits, or the largest there may be. */
    private Candidate smallest(Goal goal, WorkerShape shape, IntFunction<Fleet> fleets) {
        int fails = 0;
        int holds = Goal.MOST_GPUS / 2 / shape.gpus();
        var best = candidate(goal, fleets.apply(holds));
        while (best.keeps() && holds - fails > 1) {
            int middle = (holds + fails) >>> 1;
            var tried = candidate(goal, fleets.apply(middle));
            if (tried.keeps()) {
                holds = middle;
                best = tried;
            } else {
                fails = middle;
            }
        }
        return best;
    }

    /** A fleet as the judge sees it. */
    Candidate candidate(Goal goal, Fleet fleet) {
        var forecast = judge.judge(fleet, goal);
        return new Candidate(fleet, forecast, forecast.margin(goal));
    }

    private static Optional<Candidate> best(List<Candidate> candidates) {
        return candidates.stream().filter(Candidate::keeps).min(BETTER);
    }

    /** Workers of all sizes that the model and one request fit into. */
    private static List<WorkerShape> shapes(Goal goal) {
        var shapes = new ArrayList<WorkerShape>();
        var refusals = new ArrayList<String>();
        for (int gpus = 1; gpus <= goal.gpu().perHost(); gpus *= 2) {
            try {
                var shape = new WorkerShape(goal.model(), goal.gpu(), gpus, goal.precision());
                if (shape.kvTokens() >= goal.load().totalTokens()) {
                    shapes.add(shape);
                } else {
                    refusals.add(
                            "%d GPUs have room for %,d tokens of KV"
                                    .formatted(gpus, shape.kvTokens()));
                }
            } catch (SetupException e) {
                refusals.add(e.getMessage());
            }
        }
        if (shapes.isEmpty()) {
            throw new SetupException(
                    "%s in %s with requests of %,d tokens fits no worker of %s: %s; take a GPU with more memory or a smaller precision"
                            .formatted(
                                    goal.model().name(),
                                    goal.precision().name(),
                                    goal.load().totalTokens(),
                                    goal.gpu().name(),
                                    String.join("; ", refusals.stream().distinct().toList())));
        }
        return shapes;
    }
}
