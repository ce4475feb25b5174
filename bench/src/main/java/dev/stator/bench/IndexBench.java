package dev.stator.bench;

import dev.stator.routing.index.BlockEvents.Change;
import dev.stator.routing.index.IndexStats;
import dev.stator.routing.index.Matches;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The router's index of blocks: how fast it follows events, how long a lookup takes while it does,
 * how much memory it needs and how fast another router starts from its snapshot. Each figure is
 * compared with what is demanded of it; a concurrent map written the obvious way runs beside it.
 */
@Command(
        name = "index",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Events/s, lookup p99, bytes and snapshot of the block index, each / what is demanded; bar >= 1.")
final class IndexBench extends Bench {
    private static final Bar BAR = Bar.atLeast(1);
    private static final double DEMANDED_EVENTS = 10e6;
    private static final double DEMANDED_LOOKUP_MICROS = 10;
    private static final double DEMANDED_BYTES = 32;
    private static final double DEMANDED_LOAD_SECONDS = 1;

    /** How many workers hold a run of blocks, one as often as another. */
    private static final int[] HOLDERS = {1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 4, 4, 8, 64};

    private static final double MEAN_HOLDERS = IntStream.of(HOLDERS).average().orElseThrow();
    private static final int RUN_BLOCKS = 50;
    private static final int PROMPT_BLOCKS = 1_000;
    private static final int PROMPTS = 4_096;

    @Option(names = "--workers", description = "Default: ${DEFAULT-VALUE}.")
    private int workers = 64;

    @Option(names = "--capacity", description = "Blocks of a device (default: ${DEFAULT-VALUE}).")
    private int capacity = 32_000;

    @Option(
            names = "--events",
            description = "Blocks stored or removed in a round (default: ${DEFAULT-VALUE}).")
    private long events = 4_000_000;

    @Option(names = "--rounds", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds = 5;

    @Option(names = "--seconds", description = "Of lookups (default: ${DEFAULT-VALUE}).")
    private double seconds = 10;

    @Option(names = "--lookups", description = "Per second (default: ${DEFAULT-VALUE}).")
    private int lookups = 2_000;

    @Option(
            names = "--memberships",
            description =
                    "Pairs of block and place when memory is measured (default: ${DEFAULT-VALUE}).")
    private long memberships = 50_000_000;

    @Option(
            names = "--snapshot-blocks",
            description = "Blocks of the snapshot (default: ${DEFAULT-VALUE}).")
    private int snapshotBlocks = 2_300_000;

    /** What a device stores first, and what then happens all the time. */
    private record Load(List<IndexTrace.Batch> fill, List<IndexTrace.Batch> steady, long events) {}

    @Override
    public Integer call() throws IOException {
        var report =
                report(
                        "index",
                        BAR,
                        "workers %d, device %d blocks, events %d, rounds %d, lookups %d/s for %.0f s, memberships %d, snapshot %d blocks"
                                .formatted(
                                        workers,
                                        capacity,
                                        events,
                                        rounds,
                                        lookups,
                                        seconds,
                                        memberships,
                                        snapshotBlocks));
        var trace = new IndexTrace(workers, capacity, 1);
        var fill = trace.fill();
        var steady = trace.steady(events);
        var load = new Load(fill, steady, count(steady));
        var prompts = Stream.generate(() -> trace.prompt(PROMPT_BLOCKS)).limit(PROMPTS).toList();
        double rate = events(report, load, prompts);
        lookups(report, load, prompts, rate / 2);
        memory(report);
        snapshot(report);
        return report.end();
    }

    private static long count(List<IndexTrace.Batch> batches) {
        return batches.stream().mapToLong(batch -> batch.keys().length).sum();
    }

    /** Everything is applied, and can be found, when the clock stops. */
    private double events(Report report, Load load, List<long[]> prompts) {
        var rates = new ArrayList<Double>();
        var ratios = new ArrayList<Double>();
        var lookupRatios = new ArrayList<Double>();
        for (int round = 1; round <= rounds; round++) {
            var subject = IndexSubject.of((long) workers * capacity, workers);
            double fillRate = rate(load.fill, subject::apply);
            double rate = rate(load.steady, subject::apply);
            var naive = new NaiveIndex();
            load.fill.forEach(naive::apply);
            double naiveRate = rate(load.steady, naive::apply);
            var matches = new Matches();
            double lookup = lookupNanos(prompts, keys -> subject.match(keys, matches));
            double naiveLookup = lookupNanos(prompts, naive::match);
            check(subject, naive, prompts);
            report.line(
                    "round %d: filling %.1f M events/s, steady %.1f M events/s, naive %.2f M events/s; lookup %.2f us, naive %.1f us",
                    round,
                    fillRate / 1e6,
                    rate / 1e6,
                    naiveRate / 1e6,
                    lookup / 1e3,
                    naiveLookup / 1e3);
            rates.add(rate);
            ratios.add(rate / naiveRate);
            lookupRatios.add(naiveLookup / lookup);
        }
        double rate = Samples.of(rates).median();
        report.line("median: %.1f M events/s", rate / 1e6);
        report.extra("index.events-to-naive", Samples.of(ratios).median());
        report.extra("index.lookups-to-naive", Samples.of(lookupRatios).median());
        report.ratio("index.events", rate / DEMANDED_EVENTS);
        return rate;
    }

    private static double rate(List<IndexTrace.Batch> batches, Consumer<IndexTrace.Batch> to) {
        long start = System.nanoTime();
        batches.forEach(to);
        return count(batches) / ((System.nanoTime() - start) / 1e9);
    }

    private static double lookupNanos(List<long[]> prompts, ToLongFunction<long[]> lookup) {
        long start = System.nanoTime();
        long depths = prompts.stream().mapToLong(lookup).sum();
        long nanos = System.nanoTime() - start;
        if (depths == 0) {
            throw new BenchException("no prompt was found");
        }
        return nanos / (double) prompts.size();
    }

    private static void check(IndexSubject subject, NaiveIndex naive, List<long[]> prompts) {
        var matches = new Matches();
        for (var prompt : prompts) {
            long found = subject.match(prompt, matches);
            long expected = naive.match(prompt);
            if (found != expected) {
                throw new BenchException(
                        "index and reference differ: %d and %d blocks".formatted(found, expected));
            }
        }
        if (subject.index().stats().forgottenMemberships() > 0) {
            throw new BenchException("the index forgot blocks: its bound is too small");
        }
    }

    private void lookups(Report report, Load load, List<long[]> prompts, double eventsPerSecond) {
        var subject = IndexSubject.of((long) workers * capacity, workers);
        subject.apply(load.fill);
        // What the reference has left behind would be copied about for a good part of a second at a
        // time, in the midst of lookups. The index makes hardly any garbage; its pauses count.
        collectGarbage();
        long pausesBefore = pauseMillis();
        var latency = new IndexLatency(subject, load.steady, eventsPerSecond);
        var measured = latency.run(prompts, lookups, seconds);
        var micros = measured.micros();
        report.line(
                "lookups of %d blocks beside %.1f M events/s: p50 %.2f us, p99 %.2f us, p99.9 %.2f us, max %.0f us",
                PROMPT_BLOCKS,
                measured.eventsPerSecond() / 1e6,
                micros.median(),
                micros.quantile(0.99),
                micros.quantile(0.999),
                micros.max());
        report.line(
                "  from its own beginning, without the %d of %d that lost their core meanwhile (no bar): p50 %.2f us, p99 %.2f us, p99.9 %.2f us",
                measured.interrupted(),
                micros.size(),
                measured.own().median(),
                measured.own().quantile(0.99),
                measured.own().quantile(0.999));
        report.line(
                "  garbage collections meanwhile, pauses in all: %d ms",
                pauseMillis() - pausesBefore);
        if (measured.eventsPerSecond() < 0.95 * eventsPerSecond) {
            throw new BenchException("the writer did not keep its pace; is the machine busy?");
        }
        report.ratio("index.lookup-p99", DEMANDED_LOOKUP_MICROS / micros.quantile(0.99));
    }

    private void memory(Report report) {
        report.ratio("index.bytes-unshared", DEMANDED_BYTES / bytes(report, "unshared", 1));
        report.ratio("index.bytes-shared", DEMANDED_BYTES / bytes(report, "shared", MEAN_HOLDERS));
    }

    /** Bytes for each pair of block and place. */
    private double bytes(Report report, String name, double holders) {
        long before = heapBytes();
        var subject = IndexSubject.of((long) (memberships / holders * 1.01), workers);
        store(subject, (long) (memberships / holders), holders > 1);
        var stats = subject.index().stats();
        double heap = (heapBytes() - before) / (double) stats.memberships();
        double bytes = stats.bytes() / (double) stats.memberships();
        report.line(
                "%s: %.1f M memberships of %.1f M blocks, %d sets: %.1f bytes each (%.1f on the heap; bound %.1f), forgotten %d",
                name,
                stats.memberships() / 1e6,
                stats.blocks() / 1e6,
                stats.holderSets(),
                bytes,
                heap,
                stats.maxBytes() / (double) stats.memberships(),
                stats.forgottenMemberships());
        if (stats.forgottenMemberships() > 0) {
            throw new BenchException("the index forgot blocks: its bound is too small");
        }
        return Math.max(bytes, heap);
    }

    private static long heapBytes() {
        collectGarbage();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private static void collectGarbage() {
        ManagementFactory.getMemoryMXBean().gc();
    }

    private static long pauseMillis() {
        return ManagementFactory.getGarbageCollectorMXBeans().stream()
                .mapToLong(GarbageCollectorMXBean::getCollectionTime)
                .sum();
    }

    /** Runs of blocks; if shared, most are held by one or two workers, some by all. */
    private void store(IndexSubject subject, long blocks, boolean shared) {
        var random = new SplittableRandom(2);
        for (long stored = 0; stored < blocks; stored += RUN_BLOCKS) {
            long[] keys = random.longs(RUN_BLOCKS).toArray();
            int holders = shared ? HOLDERS[random.nextInt(HOLDERS.length)] : 1;
            int first = random.nextInt(workers);
            // Odd, so that the workers of a run differ if their number is a power of two.
            int step = 1 + 2 * random.nextInt(workers);
            for (int i = 0; i < Math.min(workers, holders); i++) {
                subject.apply(
                        new IndexTrace.Batch((first + i * step) % workers, Change.STORED, keys));
            }
        }
    }

    private void snapshot(Report report) throws IOException {
        var subject = IndexSubject.of(snapshotBlocks, workers);
        store(subject, snapshotBlocks - RUN_BLOCKS, true);
        var file = Files.createTempFile(memoryFolder(), "stator-index", ".snapshot");
        try {
            long start = System.nanoTime();
            try (var out = new BufferedOutputStream(Files.newOutputStream(file))) {
                subject.index().write(out);
            }
            double wrote = (System.nanoTime() - start) / 1e9;
            var stats = subject.index().stats();
            var loads = new ArrayList<Double>();
            for (int round = 0; round < rounds; round++) {
                loads.add(load(file, stats));
            }
            double loaded = Samples.of(loads).median();
            report.line(
                    "snapshot of %.2f M blocks, %.2f M memberships: %.1f MB, written in %.3f s, loaded by a new process in %.3f s (%s)",
                    stats.blocks() / 1e6,
                    stats.memberships() / 1e6,
                    Files.size(file) / 1e6,
                    wrote,
                    loaded,
                    loads);
            report.ratio("index.snapshot", DEMANDED_LOAD_SECONDS / loaded);
        } finally {
            Files.delete(file);
        }
    }

    private static double load(Path file, IndexStats stats) {
        try (var router =
                Child.java(
                        "the new router",
                        SnapshotProcess.class,
                        file.toString(),
                        Long.toString(stats.maxBytes()))) {
            var said = router.expect("loaded ").split(" ");
            if (Long.parseLong(said[1]) != stats.blocks()) {
                throw new BenchException("the new router has other blocks: " + said[1]);
            }
            return Long.parseLong(said[0]) / 1e9;
        }
    }
}
