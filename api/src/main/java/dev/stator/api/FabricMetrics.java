package dev.stator.api;

import dev.stator.routing.PredictionError;
import dev.stator.routing.Stage;
import dev.stator.routing.queue.Admission.Cause;
import dev.stator.routing.queue.QueueState;
import dev.stator.serving.ClusterStatus;
import dev.stator.serving.Fabric;
import dev.stator.serving.FabricStats;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/**
 * The fabric's own counters and gauges, read at each scrape.
 *
 * <table>
 * <caption>Names</caption>
 * <tr><td>{@code stator_num_requests_running}<td>answers that are being generated
 * <tr><td>{@code stator_num_requests_waiting}<td>requests in the queue
 * <tr><td>{@code stator_queue_capacity}<td>requests that may wait
 * <tr><td>{@code stator_queue_requests{class}}, {@code stator_queue_prompt_tokens{class}}, {@code
 *     stator_queue_drain_seconds{class}}<td>what waits in each class, and for how long it will
 * <tr><td>{@code stator_prompt_tokens_total}<td>prompt tokens of finished requests
 * <tr><td>{@code stator_prompt_tokens_by_source_total{source}}<td>the same: device, host, peer, disk,
 *     remote, computed
 * <tr><td>{@code stator_generation_tokens_total}<td>
 * <tr><td>{@code stator_requests_shed_total}<td>refused with 429 or 503
 * <tr><td>{@code stator_requests_shed_by_reason_total{reason}}<td>the same: queue_full, deadline,
 *     draining
 * <tr><td>{@code stator_draining}<td>1 while no request is taken
 * <tr><td>{@code stator_worker_*{worker,role}}<td>running, waiting, cells, steps, computed tokens,
 *     bytes imported and exported
 * <tr><td>{@code stator_kv_cache_usage_perc{worker,role}}<td>used cells, from 0 to 1
 * <tr><td>{@code stator_route_prediction_bias_milliseconds{stage}}, {@code
 *     stator_route_prediction_error_ratio{stage,quantile}}<td>how far the router's predictions were off
 * <tr><td>{@code stator_host_cache_*}<td>blocks, bytes, hits, … of the host tier, and {@code
 *     evictions_total{reason}} (room; quota: of a tenant above its own; dropped: by an operator)
 * <tr><td>{@code stator_disk_cache_*}<td>the same of the disk tier, and {@code queue_blocks}, {@code
 *     read_seconds_total} (÷ hits: seconds a read), {@code evictions_total{reason}} (room: the segment
 *     had to make room; orphan: a block before it went), {@code write_amplification}, {@code readable}
 *     and {@code writable} (0 once the disk has failed), {@code lossy} (1 where what is read was
 *     rounded)
 * <tr><td>{@code stator_remote_cache_*}<td>the same of the remote tier, and {@code reachable} (0 while
 *     it is left alone because it does not answer), {@code breaker_openings_total}, {@code
 *     checksum_failures_total}, {@code foreign_total} (another format version, model or lossy codec), {@code
 *     probe_seconds_total} (÷ probes: seconds a question what is there), {@code given_up_total} (fetches
 *     that were not faster than computing)
 * <tr><td>{@code stator_splicing_*_total}<td>prompt {@code tokens} that were spliced, requests that the
 *     guard's look at the first token let pass ({@code guard_passed}) or not ({@code guard_doubted}),
 *     audited answers that were {@code audits_same} or {@code audits_different}, {@code
 *     breaker_openings} of a tenant, and requests {@code forbidden} to be spliced by one
 * <tr><td>{@code stator_cluster_nodes{state}}<td>nodes that a frontend knows, and {@code
 *     stator_cluster_moved_total}, {@code nodes_lost_total}, {@code quarantined_total}, {@code
 *     failed_total}
 * </table>
 */
final class FabricMetrics implements MultiCollector {
    /** Values of the host tier that can fall; all others only grow. */
    private static final Set<String> HOST_GAUGES =
            Set.of(
                    "blocks",
                    "blocks_capacity",
                    "blocks_pinned",
                    "blocks_claimed",
                    "tenants",
                    "bytes_capacity",
                    "leases");

    private static final Set<String> DISK_GAUGES =
            Set.of(
                    "folders",
                    "folders_readable",
                    "folders_writable",
                    "readable",
                    "lossy",
                    "writable",
                    "bytes_capacity",
                    "bytes",
                    "bytes_live",
                    "bytes_foreign",
                    "segments",
                    "blocks",
                    "queue_blocks",
                    "queue_bytes");

    private static final Set<String> REMOTE_GAUGES =
            Set.of("reachable", "lossy", "blocks_known", "queue_blocks", "queue_bytes");

    /** Counters whose names go on with a reason. */
    private static final String EVICTIONS = "evictions_";

    private final Fabric fabric;

    FabricMetrics(Fabric fabric) {
        this.fabric = fabric;
    }

    @Override
    public MetricSnapshots collect() {
        var stats = fabric.stats();
        var all = MetricSnapshots.builder();
        requests(all, stats);
        queue(all, stats.queue());
        workers(all, stats.workers());
        predictions(all, stats.predictionErrors());
        stats.cache()
                .forEach(
                        (name, value) -> {
                            var full = "stator_host_cache_" + name;
                            var help = "Host tier: " + name.replace('_', ' ') + ".";
                            if (HOST_GAUGES.contains(name)) {
                                all.metricSnapshot(gauge(full, help, value));
                            } else if (!name.startsWith(EVICTIONS)) {
                                all.metricSnapshot(counter(full, help, value));
                            }
                        });
        if (!stats.cache().isEmpty()) {
            all.metricSnapshot(evictions("host", "Host", stats.cache()));
        }
        fabric.cluster().ifPresent(status -> cluster(all, status));
        disk(all, stats.disk());
        stats.splicing()
                .forEach(
                        (name, value) ->
                                all.metricSnapshot(
                                        counter(
                                                "stator_splicing_" + name,
                                                "Splicing: " + name.replace('_', ' ') + ".",
                                                value)));
        stats.remote()
                .forEach(
                        (name, value) -> {
                            var full = "stator_remote_cache_" + name;
                            var help = "Remote tier: " + name.replace('_', ' ') + ".";
                            all.metricSnapshot(
                                    REMOTE_GAUGES.contains(name)
                                            ? gauge(full, help, value)
                                            : counter(full, help, value));
                        });
        return all.build();
    }

    private static void disk(MetricSnapshots.Builder all, Map<String, Double> stats) {
        stats.forEach(
                (name, value) -> {
                    var full = "stator_disk_cache_" + name;
                    var help = "Disk tier: " + name.replace('_', ' ') + ".";
                    if (DISK_GAUGES.contains(name)) {
                        all.metricSnapshot(gauge(full, help, value));
                    } else if (!name.startsWith(EVICTIONS)) {
                        all.metricSnapshot(counter(full, help, value));
                    }
                });
        if (!stats.isEmpty()) {
            all.metricSnapshot(evictions("disk", "Disk", stats));
            double stored = stats.getOrDefault("bytes_stored", 0.0);
            all.metricSnapshot(
                    gauge(
                            "stator_disk_cache_write_amplification",
                            "Disk tier: bytes written ÷ bytes stored.",
                            stored == 0 ? 1 : stats.getOrDefault("bytes_written", 0.0) / stored));
        }
    }

    private static CounterSnapshot evictions(
            String tier, String words, Map<String, ? extends Number> stats) {
        var counter =
                CounterSnapshot.builder()
                        .name("stator_" + tier + "_cache_evictions")
                        .help(words + " tier: blocks gone, by why.");
        stats.forEach(
                (name, value) -> {
                    if (name.startsWith(EVICTIONS)) {
                        counter.dataPoint(
                                CounterSnapshot.CounterDataPointSnapshot.builder()
                                        .labels(
                                                Labels.of(
                                                        "reason",
                                                        name.substring(EVICTIONS.length())))
                                        .value(value.doubleValue())
                                        .build());
                    }
                });
        return counter.build();
    }

    private static void requests(MetricSnapshots.Builder all, FabricStats stats) {
        int running =
                stats.workers().stream()
                        .filter(worker -> worker.role().equals("decode"))
                        .mapToInt(FabricStats.Worker::running)
                        .sum();
        long prompt = stats.promptTokensBySource().values().stream().mapToLong(n -> n).sum();
        all.metricSnapshot(gauge("stator_num_requests_running", "Answers in work.", running))
                .metricSnapshot(
                        gauge(
                                "stator_num_requests_waiting",
                                "Requests queued.",
                                stats.queue().requests()))
                .metricSnapshot(
                        gauge(
                                "stator_queue_capacity",
                                "Requests that may wait.",
                                stats.queueCapacity()))
                .metricSnapshot(
                        gauge(
                                "stator_draining",
                                "1 while no request is taken.",
                                stats.queue().draining() ? 1 : 0))
                .metricSnapshot(
                        counter(
                                "stator_prompt_tokens",
                                "Prompt tokens of finished requests.",
                                prompt))
                .metricSnapshot(
                        counter(
                                "stator_generation_tokens",
                                "Generated tokens.",
                                stats.generatedTokens()))
                .metricSnapshot(
                        counter(
                                "stator_requests_shed",
                                "Requests refused.",
                                stats.queue().shedRequests()))
                .metricSnapshot(bySource(stats.promptTokensBySource()));
    }

    private static void queue(MetricSnapshots.Builder all, QueueState queue) {
        all.metricSnapshot(byClass("requests", "Requests queued.", queue, its -> its.requests()))
                .metricSnapshot(
                        byClass(
                                "prompt_tokens",
                                "Prompt tokens of queued requests.",
                                queue,
                                its -> its.promptTokens()))
                .metricSnapshot(
                        byClass(
                                "drain_seconds",
                                "Predicted time until all that wait have started.",
                                queue,
                                its -> its.drainMillis() / 1000));
        var shed =
                CounterSnapshot.builder()
                        .name("stator_requests_shed_by_reason")
                        .help("Requests refused, by why.");
        for (var cause : Cause.values()) {
            shed.dataPoint(
                    CounterSnapshot.CounterDataPointSnapshot.builder()
                            .labels(Labels.of("reason", cause.name().toLowerCase(Locale.ROOT)))
                            .value(queue.shed().getOrDefault(cause, 0L))
                            .build());
        }
        all.metricSnapshot(shed.build());
    }

    private static GaugeSnapshot byClass(
            String name,
            String help,
            QueueState queue,
            ToDoubleFunction<QueueState.ClassState> value) {
        var gauge = GaugeSnapshot.builder().name("stator_queue_" + name).help(help);
        queue.classes()
                .forEach(
                        its ->
                                gauge.dataPoint(
                                        point(
                                                Labels.of("class", its.name()),
                                                value.applyAsDouble(its))));
        return gauge.build();
    }

    private static CounterSnapshot bySource(Map<String, Long> tokens) {
        var counter =
                CounterSnapshot.builder()
                        .name("stator_prompt_tokens_by_source")
                        .help("Prompt tokens by where their KV came from.");
        tokens.forEach(
                (source, count) ->
                        counter.dataPoint(
                                CounterSnapshot.CounterDataPointSnapshot.builder()
                                        .labels(Labels.of("source", source))
                                        .value(count)
                                        .build()));
        return counter.build();
    }

    private static void cluster(MetricSnapshots.Builder all, ClusterStatus status) {
        var nodes =
                GaugeSnapshot.builder()
                        .name("stator_cluster_nodes")
                        .help("Nodes that this frontend knows, by state.");
        status.members().stream()
                .filter(member -> member.role().equals("node"))
                .collect(
                        Collectors.groupingBy(
                                ClusterStatus.Member::state, TreeMap::new, Collectors.counting()))
                .forEach(
                        (state, count) -> nodes.dataPoint(point(Labels.of("state", state), count)));
        all.metricSnapshot(nodes.build());
        new TreeMap<>(status.counters())
                .forEach(
                        (name, value) ->
                                all.metricSnapshot(
                                        counter(
                                                "stator_cluster_" + name,
                                                "Cluster: " + name.replace('_', ' ') + ".",
                                                value)));
    }

    private static void workers(MetricSnapshots.Builder all, List<FabricStats.Worker> workers) {
        all.metricSnapshot(gauge("running", "Sequences in work.", workers, w -> w.running()))
                .metricSnapshot(gauge("waiting", "Requests assigned.", workers, w -> w.waiting()))
                .metricSnapshot(gauge("cells", "KV cells.", workers, w -> w.cells()))
                .metricSnapshot(
                        gauge("cells_used", "KV cells in use.", workers, w -> w.cellsUsed()))
                .metricSnapshot(
                        gauge(
                                "cells_resident",
                                "KV cells kept for reuse.",
                                workers,
                                w -> w.cellsResident()))
                .metricSnapshot(counter("steps", "Engine steps.", workers, w -> w.steps()))
                .metricSnapshot(
                        counter(
                                "losses",
                                "Processes of the engine that died or froze.",
                                workers,
                                w -> w.losses()))
                .metricSnapshot(
                        counter(
                                "computed_tokens",
                                "Tokens computed.",
                                workers,
                                w -> w.computedTokens()))
                .metricSnapshot(
                        counter(
                                "bytes_imported",
                                "KV bytes read from the cache.",
                                workers,
                                w -> w.bytesImported()))
                .metricSnapshot(
                        counter(
                                "bytes_exported",
                                "KV bytes written to the cache.",
                                workers,
                                w -> w.bytesExported()));
        var usage =
                GaugeSnapshot.builder()
                        .name("stator_kv_cache_usage_perc")
                        .help("Used KV cells, from 0 to 1.");
        workers.forEach(
                worker ->
                        usage.dataPoint(
                                point(worker, (double) worker.cellsUsed() / worker.cells())));
        all.metricSnapshot(usage.build());
    }

    private static void predictions(
            MetricSnapshots.Builder all, Map<Stage, PredictionError> errors) {
        if (errors.isEmpty()) {
            return;
        }
        var bias =
                GaugeSnapshot.builder()
                        .name("stator_route_prediction_bias_milliseconds")
                        .help("Predicted less actual time to the first token, mean of the last.");
        var relative =
                GaugeSnapshot.builder()
                        .name("stator_route_prediction_error_ratio")
                        .help("Difference of predicted and actual time ÷ actual, of the last.");
        errors.forEach(
                (stage, error) -> {
                    var name = stage.name().toLowerCase(Locale.ROOT);
                    bias.dataPoint(point(Labels.of("stage", name), error.biasMillis()));
                    relative.dataPoint(
                            point(
                                    Labels.of("stage", name, "quantile", "0.5"),
                                    error.medianRelative()));
                    relative.dataPoint(
                            point(
                                    Labels.of("stage", name, "quantile", "0.95"),
                                    error.p95Relative()));
                });
        all.metricSnapshot(bias.build()).metricSnapshot(relative.build());
    }

    private static GaugeSnapshot.GaugeDataPointSnapshot point(Labels labels, double value) {
        return GaugeSnapshot.GaugeDataPointSnapshot.builder().labels(labels).value(value).build();
    }

    private static GaugeSnapshot gauge(String name, String help, double value) {
        return GaugeSnapshot.builder()
                .name(name)
                .help(help)
                .dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder().value(value).build())
                .build();
    }

    private static CounterSnapshot counter(String name, String help, double value) {
        return CounterSnapshot.builder()
                .name(name)
                .help(help)
                .dataPoint(CounterSnapshot.CounterDataPointSnapshot.builder().value(value).build())
                .build();
    }

    private static GaugeSnapshot gauge(
            String name,
            String help,
            List<FabricStats.Worker> workers,
            ToDoubleFunction<FabricStats.Worker> value) {
        var gauge = GaugeSnapshot.builder().name("stator_worker_" + name).help(help);
        workers.forEach(worker -> gauge.dataPoint(point(worker, value.applyAsDouble(worker))));
        return gauge.build();
    }

    private static GaugeSnapshot.GaugeDataPointSnapshot point(
            FabricStats.Worker worker, double value) {
        return GaugeSnapshot.GaugeDataPointSnapshot.builder()
                .labels(labels(worker))
                .value(value)
                .build();
    }

    private static CounterSnapshot counter(
            String name,
            String help,
            List<FabricStats.Worker> workers,
            ToDoubleFunction<FabricStats.Worker> value) {
        var counter = CounterSnapshot.builder().name("stator_worker_" + name).help(help);
        workers.forEach(
                worker ->
                        counter.dataPoint(
                                CounterSnapshot.CounterDataPointSnapshot.builder()
                                        .labels(labels(worker))
                                        .value(value.applyAsDouble(worker))
                                        .build()));
        return counter.build();
    }

    private static Labels labels(FabricStats.Worker worker) {
        return Labels.of("worker", worker.id(), "role", worker.role());
    }
}
