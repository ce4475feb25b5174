package dev.stator.bench;

import dev.stator.cache.Eviction;
import dev.stator.sim.trace.TraceFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How much of what a boundless cache would have a small one has, by policy: recorded traces against
 * the host tier's own table of blocks, and against published policies.
 */
@Command(
        name = "hit-rate",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Hit rate of the host tier / least recently used, at 10, 25 and 50 %% of the working set; bar >= 1.")
final class HitRateBench extends Bench {
    private static final Bar BAR = Bar.atLeast(1);
    private static final List<Double> SIZES = List.of(1.0, 2.0, 5.0, 10.0, 20.0, 25.0, 50.0);
    private static final List<Double> BARRED = List.of(10.0, 25.0, 50.0);
    private static final String SHIPPED = "Stator";
    private static final String LRU = "LRU";
    private static final int PASSAGE_BLOCK_TOKENS = 64;

    @Option(
            names = "--traces",
            description =
                    "Folder with mooncake/conversation_trace.jsonl and ragpulse/ (default: STATOR_TRACES).")
    private Optional<Path> traces =
            Optional.ofNullable(System.getenv("STATOR_TRACES")).map(Path::of);

    @Option(names = "--plots", description = "Folder to write a plot of each trace to.")
    private Optional<Path> plots = Optional.empty();

    @Override
    public Integer call() {
        var folder =
                traces.orElseThrow(
                        () ->
                                new BenchException(
                                        "name the folder of the traces with --traces or STATOR_TRACES"));
        var report = report("hit-rate", BAR, "sizes in %% of the working set: %s".formatted(SIZES));
        var ragpulse = folder.resolve("ragpulse");
        run(
                report,
                "mooncake",
                CacheReplay.prefixes(
                        TraceFiles.open(
                                folder.resolve("mooncake/conversation_trace.jsonl"),
                                OptionalInt.empty(),
                                Integer.MAX_VALUE)));
        run(
                report,
                "ragpulse",
                CacheReplay.prefixes(
                        TraceFiles.open(ragpulse, OptionalInt.empty(), Integer.MAX_VALUE)));
        run(report, "ragpulse-passages", passages(ragpulse));
        return report.end();
    }

    private void run(Report report, String name, CacheReplay replay) {
        double unbounded = replay.unbounded();
        report.line(
                "%s: %,d lookups, working set %,d blocks, hit rate of a boundless cache %.4f",
                name, replay.chains().size(), replay.blocks(), unbounded);
        report.line(
                "%-9s%s",
                "",
                SIZES.stream()
                        .map(size -> String.format(Locale.ROOT, "%7.0f %%", size))
                        .collect(Collectors.joining()));
        var all = new LinkedHashMap<String, double[]>();
        for (var policy : List.of(LRU, "LFU-DA", "SIEVE", "S3-FIFO", SHIPPED, "Belady")) {
            double[] rates =
                    SIZES.stream()
                            .mapToDouble(
                                    size ->
                                            replay.hitRate(
                                                            subject(
                                                                    policy,
                                                                    slots(replay, size),
                                                                    replay))
                                                    / unbounded)
                            .toArray();
            all.put(policy, rates);
            var row = new StringBuilder();
            for (double rate : rates) {
                row.append(String.format(Locale.ROOT, "%9.4f", rate));
            }
            report.line("%-9s%s", policy, row);
        }
        for (double size : BARRED) {
            int at = SIZES.indexOf(size);
            report.ratio(
                    "hit-rate.%s.%.0f%%".formatted(name, size),
                    rate(all, SHIPPED, at) / rate(all, LRU, at));
        }
        plots.ifPresent(folder -> write(folder.resolve("hit-rate-" + name + ".svg"), all));
    }

    private static double rate(Map<String, double[]> all, String policy, int at) {
        return all.getOrDefault(policy, new double[SIZES.size()])[at];
    }

    private static int slots(CacheReplay replay, double size) {
        return (int) Math.max(1, replay.blocks() * size / 100);
    }

    private static CacheReplay.Subject subject(String policy, int slots, CacheReplay replay) {
        return switch (policy) {
            case LRU -> new CacheReplay.Shipped(slots, Eviction.LEAST_RECENTLY_USED);
            case SHIPPED -> new CacheReplay.Shipped(slots, Eviction.BY_REUSE);
            case "LFU-DA" -> new ReferenceCache.LfuDa(slots, replay.blocks());
            case "SIEVE" -> new ReferenceCache.Sieve(slots, replay.blocks());
            case "S3-FIFO" -> new ReferenceCache.S3Fifo(slots, replay.blocks());
            default -> new ReferenceCache.Belady(slots, replay);
        };
    }

    /** Each retrieved passage by itself, wherever it stood in its prompt. */
    private static CacheReplay passages(Path ragpulse) {
        var blocksOf = new HashMap<Long, Integer>();
        for (var line : lines(ragpulse.resolve("2_passages.jsonl"))) {
            blocksOf.put(
                    line.get("passage_id").asLong(),
                    Math.ceilDiv(line.get("token_length").asInt(), PASSAGE_BLOCK_TOKENS));
        }
        var requests = lines(ragpulse.resolve("0_trace.jsonl"));
        requests.sort(
                Comparator.comparingDouble(
                        line -> Double.parseDouble(line.get("timestamp").asString())));
        var uses = new ArrayList<Long>();
        for (var request : requests) {
            request.path("hash_ids").path("passages_ids").forEach(id -> uses.add(id.asLong()));
        }
        return CacheReplay.things(uses, blocksOf);
    }

    private static List<JsonNode> lines(Path file) {
        try {
            var mapper = JsonMapper.builder().build();
            return Files.readAllLines(file).stream()
                    .filter(line -> !line.isBlank())
                    .map(mapper::readTree)
                    .collect(Collectors.toCollection(ArrayList::new));
        } catch (IOException e) {
            throw new BenchException("cannot read %s: %s".formatted(file, e));
        }
    }

    private static void write(Path file, Map<String, double[]> all) {
        try {
            Files.writeString(file, HitRatePlot.svg(SIZES, all));
        } catch (IOException e) {
            throw new BenchException("cannot write %s: %s".formatted(file, e));
        }
    }
}
