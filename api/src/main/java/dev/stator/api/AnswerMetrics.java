package dev.stator.api;

import dev.stator.api.answers.AnswerCache;
import dev.stator.api.answers.AnswerMode;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;

/**
 * What becomes of kept answers, read at each scrape.
 *
 * <table>
 * <caption>Names, where answers are kept</caption>
 * <tr><td>{@code stator_answer_cache_hits_total{mode}}<td>answers given that were kept: exact, similar
 * <tr><td>{@code stator_answer_cache_misses_total}<td>requests that might have been given one and
 *     were computed
 * <tr><td>{@code stator_answer_cache_verified_total{outcome}}<td>kept answers to other words that were
 *     compared with computed ones: right, false
 * <tr><td>{@code stator_answer_cache_false_rate}<td>the part of these that was false
 * <tr><td>{@code stator_answer_cache_entries}, {@code stator_answer_cache_bytes}, {@code
 *     stator_answer_cache_bytes_capacity}<td>what is kept
 * <tr><td>{@code stator_answer_cache_serving_tenants}<td>tenants whose record lets similar hits be
 *     given
 * </table>
 */
final class AnswerMetrics implements MultiCollector {
    private static final String NAME = "stator_answer_cache_";

    private final AnswerCache cache;

    AnswerMetrics(AnswerCache cache) {
        this.cache = cache;
    }

    @Override
    public MetricSnapshots collect() {
        var stats = cache.stats();
        var hits = CounterSnapshot.builder().name(NAME + "hits").help("Kept answers given.");
        for (var mode : new AnswerMode[] {AnswerMode.EXACT, AnswerMode.SIMILAR}) {
            hits.dataPoint(point(Labels.of("mode", mode.label()), stats.hits(mode)));
        }
        return MetricSnapshots.builder()
                .metricSnapshot(hits.build())
                .metricSnapshot(
                        CounterSnapshot.builder()
                                .name(NAME + "misses")
                                .help("Requests for which no kept answer was given.")
                                .dataPoint(point(Labels.EMPTY, stats.misses()))
                                .build())
                .metricSnapshot(
                        CounterSnapshot.builder()
                                .name(NAME + "verified")
                                .help("Kept answers to other words, compared with computed ones.")
                                .dataPoint(point(Labels.of("outcome", "right"), stats.right()))
                                .dataPoint(point(Labels.of("outcome", "false"), stats.wrong()))
                                .build())
                .metricSnapshot(gauge("false_rate", "Part that was false.", stats.falseRate()))
                .metricSnapshot(gauge("entries", "Kept answers.", stats.entries()))
                .metricSnapshot(gauge("bytes", "Bytes of kept answers.", stats.bytes()))
                .metricSnapshot(
                        gauge("bytes_capacity", "The most of these.", stats.capacityBytes()))
                .metricSnapshot(
                        gauge(
                                "serving_tenants",
                                "Tenants who are given answers to other words.",
                                stats.servingTenants()))
                .build();
    }

    private static CounterDataPointSnapshot point(Labels labels, double value) {
        return CounterDataPointSnapshot.builder().labels(labels).value(value).build();
    }

    private static GaugeSnapshot gauge(String name, String help, double value) {
        return GaugeSnapshot.builder()
                .name(NAME + name)
                .help(help)
                .dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder().value(value).build())
                .build();
    }
}
