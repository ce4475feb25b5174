package dev.stator.sim.plan;

import dev.stator.routing.Mode;
import dev.stator.routing.Policy;
import dev.stator.routing.RouterOptions;
import dev.stator.routing.WorkerRole;
import dev.stator.routing.index.Tier;
import dev.stator.sim.time.Roofline;
import dev.stator.sim.time.WorkerShape;
import dev.stator.sim.time.Workload;
import dev.stator.sim.trace.Alike;
import dev.stator.sim.world.Outcome;
import dev.stator.sim.world.Sla;
import dev.stator.sim.world.Storage;
import dev.stator.sim.world.WorkerGroup;
import dev.stator.sim.world.World;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;

/**
 * Runs fleets on a virtual clock under the load of a goal. All runs have the same seed, so the same
 * question has the same answer, and two fleets are asked the same requests at the same times.
 *
 * <p>A run lasts some times as long as a request; what arrives in its first part does not count,
 * for the fleet is empty then.
 */
public final class Rehearsal {
    /** How many requests a worker runs at most; KV binds before. */
    private static final int MAX_RUNNING = 1024;

    /**
     * Prompts are put together up to so many tokens by prefill workers, where more than one waits:
     * enough to use all of a GPU (NVIDIA Dynamo's tuning guide: 1,000 to 4,000).
     */
    private static final int PREFILL_STEP_TOKENS = 2048;

    /** Blocks that a prompt has, roughly; a power of two of tokens each. */
    private static final int BLOCKS_PER_PROMPT = 32;

    private static final int LEAST_REQUESTS = 1_000;
    private static final int USUAL_REQUESTS = 4_000;

    /** Times that a request may take by the limits which a run lasts, if these are few requests. */
    private static final double LIVES = 16;

    /** The same, however many requests these are. */
    private static final double LEAST_LIVES = 4;

    private static final int WARM_UP_PART = 4;
    private static final long SEED = 1;

    /** Rates are found to within this part. */
    private static final double CLOSE_ENOUGH = 0.02;

    private static final double STEP = 1.3;
    private static final double LEAST_PART = 1e-3;

    /** What a fleet does at the goal's rate. */
    public Outcome run(Fleet fleet, Goal goal) {
        return run(fleet, goal, Long.MAX_VALUE).orElseThrow();
    }

    /** Whether enough of the requests keep both limits; ends early if it is clear that not. */
    public boolean keeps(Fleet fleet, Goal goal) {
        long counted = requests(goal) - warmUp(goal);
        long most = (long) ((1 - goal.percentile().part()) * counted);
        return run(fleet, goal, most).filter(outcome -> keeps(outcome, goal)).isPresent();
    }

    static boolean keeps(Outcome outcome, Goal goal) {
        return outcome.refused() == 0 && outcome.goodShare() >= goal.percentile().part();
    }

    /**
     * The largest rate at which a fleet keeps the limits, by bisection, in requests per second; 0
     * if it keeps them at none.
     *
     * @param guess where to begin
     */
    public double largestRate(Fleet fleet, Goal goal, double guess) {
        double holds;
        double fails;
        if (keeps(fleet, goal.withRate(guess))) {
            holds = guess;
            fails = guess * STEP;
            while (keeps(fleet, goal.withRate(fails))) {
                holds = fails;
                fails *= STEP;
            }
        } else {
            fails = guess;
            holds = guess / STEP;
            double factor = STEP;
            while (!keeps(fleet, goal.withRate(holds))) {
                fails = holds;
                factor *= factor;
                holds /= factor;
                if (holds < guess * LEAST_PART) {
                    return 0;
                }
            }
        }
        while (fails / holds > 1 + CLOSE_ENOUGH) {
            double middle = Math.sqrt(holds * fails);
            if (keeps(fleet, goal.withRate(middle))) {
                holds = middle;
            } else {
                fails = middle;
            }
        }
        return holds;
    }

    private Optional<Outcome> run(Fleet fleet, Goal goal, long most) {
        var load = goal.load();
        int block = Math.max(16, Integer.highestOneBit(load.promptTokens() / BLOCKS_PER_PROMPT));
        var trace = new Alike(load.promptTokens(), load.answerTokens(), block);
        long requests = requests(goal);
        int held = load.hitTokens() / block;
        // Room for all blocks there will ever be, so that nothing is evicted.
        long hostBytes = held == 0 ? 0 : requests * load.totalTokens() * fleet.kvBytesPerToken();
        var world =
                new World(
                        world(fleet, load, Storage.of(hostBytes)),
                        options(fleet),
                        trace.arrivals(SEED, goal.requestsPerSecond(), requests),
                        block,
                        warmUp(goal),
                        SEED,
                        _ -> {});
        if (held > 0) {
            for (long i = 0; i < requests; i++) {
                world.hold(Arrays.copyOf(trace.keys(i), held));
            }
        }
        return world.run(new Sla(goal.ttftMillis(), goal.itlMillis()), most);
    }

    /** As long as a request may take by the goal's limits. */
    private static double lifeSeconds(Goal goal) {
        return (goal.ttftMillis() + goal.load().answerTokens() * goal.itlMillis()) / 1e3;
    }

    private static long requests(Goal goal) {
        double perLife = goal.requestsPerSecond() * lifeSeconds(goal);
        double usual = Math.clamp(LIVES * perLife, LEAST_REQUESTS, USUAL_REQUESTS);
        return (long) Math.max(usual, LEAST_LIVES * perLife);
    }

    private static long warmUp(Goal goal) {
        return requests(goal) / WARM_UP_PART;
    }

    private static RouterOptions options(Fleet fleet) {
        var mode =
                switch (fleet) {
                    case Fleet.Aggregated _ -> Mode.AGGREGATED;
                    case Fleet.Split _ -> Mode.DISAGGREGATED;
                };
        return RouterOptions.of(Policy.PREDICTED, mode).withPeerTiers(EnumSet.of(Tier.DEVICE));
    }

    private static dev.stator.sim.world.Fleet world(Fleet fleet, Workload load, Storage host) {
        var groups =
                switch (fleet) {
                    case Fleet.Aggregated(var shape, int workers, int stepTokens) ->
                            List.of(group("b", WorkerRole.BOTH, workers, shape, stepTokens));
                    case Fleet.Split split -> groups(split, load);
                };
        return dev.stator.sim.world.Fleet.of(groups.toArray(new WorkerGroup[0]))
                .withNodes(Math.ceilDiv(fleet.gpus(), fleet.gpu().perHost()))
                .withTiers(host, Storage.NONE, Storage.NONE);
    }

    /** A prefill worker computes a prompt in one step. */
    private static List<WorkerGroup> groups(Fleet.Split fleet, Workload load) {
        int tokens = Math.max(PREFILL_STEP_TOKENS, load.computedTokens());
        return List.of(
                group("d", WorkerRole.DECODE, fleet.decodeWorkers(), fleet.decode(), tokens),
                group("p", WorkerRole.PREFILL, fleet.prefillWorkers(), fleet.prefill(), tokens));
    }

    private static WorkerGroup group(
            String name, WorkerRole role, int count, WorkerShape shape, int stepTokens) {
        return new WorkerGroup(
                name,
                role,
                count,
                shape.gpus(),
                shape.toString(),
                new Roofline(shape),
                MAX_RUNNING,
                stepTokens);
    }
}
