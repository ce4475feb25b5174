package dev.stator.bench;

import dev.stator.routing.Actual;
import dev.stator.routing.Mode;
import dev.stator.routing.Policy;
import dev.stator.routing.RouteRequest;
import dev.stator.routing.Router;
import dev.stator.routing.RouterOptions;
import dev.stator.routing.Step;
import dev.stator.routing.WorkerLoad;
import dev.stator.routing.WorkerRole;
import dev.stator.routing.WorkerSpec;
import dev.stator.routing.index.BlockEvents;
import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.IndexOptions;
import dev.stator.routing.index.Matches;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.random.RandomGenerator;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Decides where prompts run, against the same fleet and index asked by the formula of NVIDIA
 * Dynamo, and against the bare lookup of the prompt's blocks. The three take turns, request by
 * request.
 *
 * <p>Between decisions the workers report and requests begin and end, untimed, so that the caches
 * are as a busy router's are.
 */
@Command(
        name = "route",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Time of a routing decision, p99; bar <= 50 microseconds.")
final class RouteBench extends Bench {
    private static final Bar BAR = Bar.atMost(50);
    private static final int BLOCK_TOKENS = 32;
    private static final int WORKERS_PER_NODE = 8;
    private static final int CONVERSATIONS = 512;

    /** Requests that are under way at once, per worker. */
    private static final int FLYING = 8;

    @Option(names = "--workers", description = "Default: ${DEFAULT-VALUE}.")
    private int workers = 64;

    @Option(names = "--blocks", description = "Blocks of a prompt (default: ${DEFAULT-VALUE}).")
    private int blocks = 1000;

    @Option(
            names = "--roles",
            description =
                    "What workers do: together (each all) or apart (a quarter only prefills) "
                            + "(default: ${DEFAULT-VALUE}).")
    private Roles roles = Roles.together;

    @Option(names = "--decisions", description = "Default: ${DEFAULT-VALUE}.")
    private int decisions = 30_000;

    /** Written in lower case by users. */
    private enum Roles {
        together,
        apart
    }

    /** Microseconds of each decision. */
    private static final class Times {
        final List<Double> predicted = new ArrayList<>();
        final List<Double> dynamo = new ArrayList<>();
        final List<Double> lookup = new ArrayList<>();
    }

    private final BlockIndex index = new BlockIndex(new IndexOptions(256L << 20));
    private final Map<Place, Long> sequences = new HashMap<>();
    private final RandomGenerator random = new Random(1);
    private final List<long[]> conversations = new ArrayList<>();

    @Override
    public Integer call() {
        var report =
                report(
                        "route",
                        BAR,
                        "workers %d (%s), blocks %d, decisions %d"
                                .formatted(workers, roles, blocks, decisions));
        fill();
        var predicted = new Side(Policy.PREDICTED);
        var dynamo = new Side(Policy.DYNAMO);
        run(predicted, dynamo, decisions);
        var times = run(predicted, dynamo, decisions);
        print(report, "index lookup alone", times.lookup);
        print(report, "Dynamo's formula", times.dynamo);
        print(report, "predicted milliseconds", times.predicted);
        double p99 = Samples.of(times.predicted).quantile(0.99);
        report.extra(
                "route.decision/lookup",
                Samples.of(times.predicted).median() / Samples.of(times.lookup).median());
        report.extra(
                "route.decision/dynamo",
                Samples.of(times.predicted).median() / Samples.of(times.dynamo).median());
        report.ratio("route.p99-micros", p99);
        return report.end();
    }

    private static void print(Report report, String what, List<Double> micros) {
        var samples = Samples.of(micros);
        report.line(
                "%-23s p50 %6.2f us, p99 %6.2f us, p99.9 %6.2f us, max %8.2f us",
                what,
                samples.median(),
                samples.quantile(0.99),
                samples.quantile(0.999),
                samples.max());
    }

    /** Every conversation is on some devices and hosts, up to some depth. */
    private void fill() {
        for (int c = 0; c < CONVERSATIONS; c++) {
            long[] keys = random.longs(blocks).toArray();
            conversations.add(keys);
            for (int copy = 0; copy < 3; copy++) {
                int worker = random.nextInt(workers);
                store(new Place(Tier.DEVICE, "w" + worker), keys, random.nextInt(blocks));
                store(new Place(Tier.HOST, node(worker)), keys, random.nextInt(blocks));
            }
        }
        // What all prompts begin with is everywhere.
        long[] system = random.longs(blocks / 10).toArray();
        for (long[] keys : conversations) {
            System.arraycopy(system, 0, keys, 0, system.length);
        }
        for (int worker = 0; worker < workers; worker++) {
            store(new Place(Tier.DEVICE, "w" + worker), system, system.length);
        }
    }

    private void store(Place place, long[] keys, int count) {
        long sequence = sequences.merge(place, 1L, Long::sum);
        var stored = Arrays.copyOf(keys, count);
        index.apply(new BlockEvents(place, sequence, BlockEvents.Change.STORED, stored));
    }

    private static String node(int worker) {
        return "n" + worker / WORKERS_PER_NODE;
    }

    private Times run(Side predicted, Side dynamo, int count) {
        var times = new Times();
        var matches = new Matches();
        for (int i = 0; i < count; i++) {
            var request = request(i);
            switch (i % 3) {
                case 0 -> times.predicted.add(predicted.decide(request));
                case 1 -> times.dynamo.add(dynamo.decide(request));
                default -> {
                    long start = System.nanoTime();
                    index.match(request.keys(), blocks, matches);
                    times.lookup.add((System.nanoTime() - start) / 1e3);
                }
            }
        }
        return times;
    }

    private RouteRequest request(long id) {
        long[] keys = conversations.get(random.nextInt(CONVERSATIONS));
        return new RouteRequest(
                id, keys, BLOCK_TOKENS, blocks * BLOCK_TOKENS + 7, 300, "", 0, Long.MAX_VALUE);
    }

    /** A router with its workers. */
    private final class Side {
        private final Router router;
        private final Deque<Long> flying = new ArrayDeque<>();

        Side(Policy policy) {
            var mode = roles == Roles.together ? Mode.AGGREGATED : Mode.AUTO;
            router =
                    new Router(
                            RouterOptions.of(policy, mode).withBindMillis(Double.POSITIVE_INFINITY),
                            index,
                            System::nanoTime,
                            random);
            for (int i = 0; i < workers; i++) {
                var role =
                        roles == Roles.together
                                ? WorkerRole.BOTH
                                : i % 4 == 0 ? WorkerRole.PREFILL : WorkerRole.DECODE;
                router.join(new WorkerSpec("w" + i, node(i), "kind", role, 256, 1_000_000, 8192));
            }
        }

        /**
         * @return microseconds
         */
        double decide(RouteRequest request) {
            for (int i = 0; i < 4; i++) {
                tick();
            }
            long start = System.nanoTime();
            var decision = router.decide(request);
            double micros = (System.nanoTime() - start) / 1e3;
            router.dispatched(
                    decision.orElseThrow(() -> new BenchException("nobody took a request")));
            flying.add(request.id());
            if (flying.size() > FLYING * workers) {
                long landed = flying.remove();
                router.firstToken(landed, new Actual(10, 5, 100, 0));
                router.finished(landed);
            }
            return micros;
        }

        private void tick() {
            int running = random.nextInt(1, 64);
            int waiting = random.nextInt(4);
            var worker = "w" + random.nextInt(workers);
            router.step(
                    worker,
                    new Step(512 * waiting, 512e4 * waiting, running, 4000L * running),
                    10 + running + 20 * waiting);
            router.report(
                    worker,
                    new WorkerLoad(
                            running,
                            4000L * running,
                            waiting,
                            2000L * waiting,
                            2e7 * waiting,
                            500_000,
                            Long.MAX_VALUE));
        }
    }
}
