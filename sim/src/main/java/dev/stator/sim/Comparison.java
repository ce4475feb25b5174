package dev.stator.sim;

import dev.stator.routing.Policy;
import dev.stator.sim.world.Outcome;
import dev.stator.sim.world.World;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.DoubleConsumer;
import java.util.function.LongConsumer;
import java.util.function.ToDoubleFunction;

/**
 * What came out of an {@link Experiment}. The same experiment gives the same comparison, however
 * many threads compute it.
 *
 * @param saturation requests per second, or NaN if no load is a share of it
 * @param cells load by load, in each policy by policy
 */
public record Comparison(Experiment experiment, double saturation, List<Cell> cells) {
    public Comparison {
        cells = List.copyOf(cells);
    }

    /**
     * All runs of one policy at one load.
     *
     * @param requestsPerSecond that arrive
     */
    public record Cell(
            Experiment.Load load, Policy policy, double requestsPerSecond, List<Outcome> outcomes) {
        public Cell {
            outcomes = List.copyOf(outcomes);
        }

        public Interval interval(ToDoubleFunction<Outcome> figure) {
            return Interval.of(outcomes.stream().mapToDouble(figure).toArray());
        }

        public double mean(ToDoubleFunction<Outcome> figure) {
            return interval(figure).mean();
        }
    }

    /**
     * @param threads that compute runs
     * @param progress hears which part is done, from 0 to 1, from any thread
     */
    public static Comparison of(Experiment experiment, int threads, DoubleConsumer progress) {
        double saturation =
                experiment.loads().stream().anyMatch(Experiment.Load.Share.class::isInstance)
                        ? Saturation.of(experiment)
                        : Double.NaN;
        var runs = new ArrayList<Run>();
        for (var load : experiment.loads()) {
            double rate = load.requestsPerSecond(saturation, experiment.trace());
            for (var policy : experiment.policies()) {
                for (int seed = 1; seed <= experiment.seeds(); seed++) {
                    runs.add(new Run(experiment, load, policy, rate, seed));
                }
            }
        }
        var outcomes = all(runs, threads, progress);
        var cells = new ArrayList<Cell>();
        for (int first = 0; first < runs.size(); first += experiment.seeds()) {
            var run = runs.get(first);
            var its = outcomes.subList(first, first + experiment.seeds());
            cells.add(new Cell(run.load, run.policy, run.rate, its));
        }
        return new Comparison(experiment, saturation, cells);
    }

    private static List<Outcome> all(List<Run> runs, int threads, DoubleConsumer progress) {
        double requests = runs.stream().mapToDouble(run -> run.experiment.requests()).sum();
        var ended = new AtomicLong();
        try (var pool = Executors.newFixedThreadPool(threads)) {
            var pending = new ArrayList<Future<Outcome>>();
            for (var run : runs) {
                pending.add(
                        pool.submit(
                                () ->
                                        run.outcome(
                                                more ->
                                                        progress.accept(
                                                                ended.addAndGet(more)
                                                                        / requests))));
            }
            var outcomes = new ArrayList<Outcome>();
            for (var outcome : pending) {
                outcomes.add(outcome.get());
            }
            return outcomes;
        } catch (ExecutionException e) {
            throw new IllegalStateException("a run failed", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private record Run(
            Experiment experiment, Experiment.Load load, Policy policy, double rate, int seed) {
        Outcome outcome(LongConsumer progress) {
            var trace = experiment.trace();
            return new World(
                            experiment.fleet(),
                            experiment.options().withPolicy(policy),
                            trace.arrivals(seed, rate, experiment.requests()),
                            trace.blockTokens(),
                            (long) (experiment.warmUp() * experiment.requests()),
                            seed,
                            progress)
                    .run(experiment.sla());
        }
    }

    /** A page for a terminal. */
    public String text() {
        return ComparisonText.of(this);
    }

    /** For programs. */
    public String json() {
        return ComparisonJson.of(this);
    }

    /** A page for a browser that needs nothing else. */
    public String html() {
        return ComparisonHtml.of(this);
    }
}
