package dev.stator.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/**
 * Conversations over a real server whose host and disk tiers hold a small part of them, for a time.
 * In the end nothing may be held, the server's memory may not grow once it is warm, and a sample of
 * the answers must be what a server without any cache answers.
 */
@Command(
        name = "soak",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Conversations over a server with tiers too small for them; sampled answers that differ from those without a cache / sampled; bar 0.")
final class SoakBench extends Bench {
    private static final Bar BAR = Bar.atMost(0);
    private static final int LINES = 20;

    /** Growth of what only the server has, from the third quarter of the time to the last. */
    private static final double MOST_GROWTH = 1.05;

    @Option(names = "--minutes", description = "How long (default: ${DEFAULT-VALUE}).")
    private double minutes = 10;

    @Option(names = "--users", description = "At once (default: ${DEFAULT-VALUE}).")
    private int users = 6;

    @Option(
            names = "--conversations",
            description = "Of each user, by turns (default: ${DEFAULT-VALUE}).")
    private int conversations = 12;

    @Option(
            names = "--max-running",
            description =
                    "Answers of the server at once; other users wait (default: ${DEFAULT-VALUE}).")
    private int running = 2;

    @Option(names = "--threads", description = "Of the server (default: ${DEFAULT-VALUE}).")
    private int threads = 1;

    @Option(names = "--host-cache", description = "Default: ${DEFAULT-VALUE}.")
    private String hostCache = "4MiB";

    @Option(names = "--disk-cache-size", description = "Default: ${DEFAULT-VALUE}.")
    private String diskCache = "8MiB";

    @Option(
            names = "--sample",
            description = "Of so many answers one is compared (default: ${DEFAULT-VALUE}).")
    private int sample = 10;

    @Option(
            names = "--server",
            description = "The command to start (default: stator of this checkout).")
    private Optional<Path> server = Optional.empty();

    private final AtomicLong answers = new AtomicLong();
    private final ConcurrentLinkedQueue<Sampled> sampled = new ConcurrentLinkedQueue<>();
    private volatile boolean ended;

    private record Sampled(String body, String text) {}

    @Override
    public Integer call() throws IOException {
        var command = server.orElseGet(() -> root().resolve("stator"));
        var place = Files.createTempDirectory("stator-bench-");
        var report =
                report(
                        "soak",
                        BAR,
                        "demo model, threads %d, minutes %.1f, users %d of %d conversations, host %s, disk 2 x %s"
                                .formatted(
                                        threads,
                                        minutes,
                                        users,
                                        conversations,
                                        hostCache,
                                        diskCache));
        try {
            var flags =
                    List.of(
                            "--threads",
                            Integer.toString(threads),
                            "--max-running",
                            Integer.toString(running),
                            "--host-cache",
                            hostCache,
                            "--disk-cache",
                            place.resolve("a") + "," + place.resolve("b"),
                            "--disk-cache-size",
                            diskCache);
            boolean clean;
            try (var subject = SoakServer.start(command, flags)) {
                var memory = load(report, subject);
                clean = isClean(report, subject) & isFlat(report, memory);
            }
            compare(report, command);
            return clean ? report.end() : Math.max(report.end(), Report.MISSED);
        } finally {
            DiskTierBench.remove(place);
        }
    }

    /** Returns the server's memory as it went. */
    private List<Long> load(Report report, SoakServer subject) {
        var running = new ArrayList<Future<?>>();
        var memory = new ArrayList<Long>();
        var pause = Duration.ofMillis((long) (minutes * 60_000 / LINES));
        report.line(
                "%6s %8s %10s %7s %7s %7s %9s %8s %8s %8s %6s %6s",
                "s",
                "answers",
                "private",
                "host",
                "pinned",
                "disk",
                "disk MiB",
                "promoted",
                "ahead",
                "evicted",
                "late",
                "ampl.");
        var all = SoakConversation.all(root().resolve("demo").resolve("eval.jsonl"));
        long start = System.nanoTime();
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int user = 0; user < users; user++) {
                long seed = user;
                running.add(pool.submit(() -> converse(subject, all, seed)));
            }
            for (int i = 0; i < LINES; i++) {
                Thread.sleep(pause);
                subject.privateBytes().ifPresent(memory::add);
                line(report, subject, (System.nanoTime() - start) / 1e9);
            }
            ended = true;
            for (var one : running) {
                one.get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        } catch (java.util.concurrent.ExecutionException e) {
            throw new BenchException("a user failed: " + e.getCause(), e);
        } finally {
            ended = true;
        }
        return memory;
    }

    private void line(Report report, SoakServer subject, double seconds) {
        var metrics = subject.metrics();
        report.line(
                "%6.0f %8d %6d MiB %7.0f %7.0f %7.0f %9.1f %8.0f %8.0f %8.0f %6.0f %6.2f",
                seconds,
                answers.get(),
                subject.privateBytes().orElse(0L) >> 20,
                subject.metric(metrics, "stator_host_cache_blocks"),
                subject.metric(metrics, "stator_host_cache_blocks_pinned"),
                subject.metric(metrics, "stator_disk_cache_blocks"),
                subject.metric(metrics, "stator_disk_cache_bytes") / (1 << 20),
                subject.metric(metrics, "stator_disk_cache_hits_total"),
                subject.metric(metrics, "stator_disk_cache_promoted_ahead_total"),
                subject.metric(metrics, "stator_disk_cache_evictions_total"),
                subject.metric(metrics, "stator_disk_cache_late_total"),
                subject.metric(metrics, "stator_disk_cache_write_amplification"));
    }

    private Void converse(SoakServer subject, List<JsonNode> all, long seed) {
        var random = new Random(seed);
        var open = new ArrayList<SoakConversation>();
        while (!ended) {
            while (open.size() < conversations) {
                open.add(SoakConversation.of(all.get(random.nextInt(all.size()))));
            }
            int which = random.nextInt(open.size());
            var conversation = open.get(which);
            var body = conversation.ask().toString();
            var text = SoakConversation.text(subject.post("/v1/chat/completions", body));
            conversation.answered(text);
            if (answers.incrementAndGet() % sample == 0) {
                sampled.add(new Sampled(body, text));
            }
            if (conversation.isOver()) {
                open.remove(which);
            }
        }
        return null;
    }

    private static boolean isClean(Report report, SoakServer subject) {
        boolean clean = true;
        var metrics = subject.metrics();
        for (var name :
                List.of(
                        "stator_host_cache_blocks_pinned",
                        "stator_host_cache_blocks_claimed",
                        "stator_num_requests_running",
                        "stator_num_requests_waiting",
                        "stator_request_failure_total",
                        "stator_disk_cache_checksum_failures_total",
                        "stator_disk_cache_collisions_total",
                        "stator_disk_cache_read_errors_total")) {
            double value = subject.metric(metrics, name);
            clean &= value == 0;
            report.line("afterwards: %s %.0f %s", name, value, value == 0 ? "ok" : "MISSED");
        }
        return clean;
    }

    private static boolean isFlat(Report report, List<Long> memory) {
        if (memory.size() < LINES) {
            report.line("memory: the system does not tell");
            return true;
        }
        double before = mean(memory.subList(LINES / 2, LINES * 3 / 4));
        double after = mean(memory.subList(LINES * 3 / 4, LINES));
        boolean flat = after <= before * MOST_GROWTH;
        report.line(
                "memory: %.0f MiB in the third quarter, %.0f MiB in the last %s",
                before / (1 << 20), after / (1 << 20), flat ? "ok" : "MISSED");
        return flat;
    }

    private static double mean(List<Long> values) {
        return values.stream().mapToLong(value -> value).average().orElseThrow();
    }

    private void compare(Report report, Path command) {
        var flags =
                List.of(
                        "--threads",
                        Integer.toString(threads),
                        "--host-cache",
                        "0",
                        "--mode",
                        "aggregated");
        int differing = 0;
        int ties = 0;
        try (var plain = SoakServer.start(command, flags)) {
            for (var one : sampled) {
                var answer =
                        plain.post("/v1/chat/completions", SoakConversation.withLogprobs(one.body));
                var text = SoakConversation.text(answer);
                if (!text.equals(one.text)) {
                    boolean tie = SoakConversation.isNearTie(answer, one.text);
                    ties += tie ? 1 : 0;
                    differing += tie ? 0 : 1;
                    report.line(
                            "%s: '%s' and without a cache '%s'",
                            tie ? "a near tie" : "differs", one.text, text);
                }
            }
        }
        report.line(
                "sampled: %d answers, %d differ, %d turn at a near tie",
                sampled.size(), differing, ties);
        report.ratio("soak.differing", differing / (double) Math.max(1, sampled.size()));
    }
}
