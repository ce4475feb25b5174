package dev.stator.api;

import dev.stator.api.answers.AnswerCache;
import dev.stator.api.documents.ReuseMode;
import dev.stator.serving.Account;
import dev.stator.serving.Fabric;
import dev.stator.serving.FinishReason;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.Optional;

/**
 * What {@code /metrics} shows. Names are vLLM's after {@code stator_} where they mean the same.
 *
 * <table>
 * <caption>Measured here; what {@link FabricMetrics} and {@link AnswerMetrics} read comes on top</caption>
 * <tr><td>{@code stator_time_to_first_token_seconds}<td>submission to first token
 * <tr><td>{@code stator_inter_token_latency_seconds}<td>between two tokens of an answer, when they
 *     reach their connection's event loop
 * <tr><td>{@code stator_e2e_request_latency_seconds}<td>submission to last token
 * <tr><td>{@code stator_request_queue_time_seconds}<td>submission to a worker
 * <tr><td>{@code stator_request_prefill_time_seconds}<td>worker to the end of the prompt
 * <tr><td>{@code stator_request_decode_time_seconds}<td>first token to last
 * <tr><td>{@code stator_request_success_total{finished_reason}}<td>complete answers
 * <tr><td>{@code stator_requests_by_reuse_total{mode}}<td>chat requests by the reuse that they were
 *     answered with
 * <tr><td>{@code stator_request_failure_total}<td>exchanges that an engine failure ended
 * <tr><td>{@code stator_request_cancelled_total}<td>exchanges whose client left
 * <tr><td>{@code stator_slow_clients_cut_off_total}<td>streams whose client read too slowly
 * <tr><td>{@code stator_http_responses_total{status}}<td>answers by status
 * </table>
 *
 * Thread-safe.
 */
final class Metrics {
    static final String CONTENT_TYPE = PrometheusTextFormatWriter.CONTENT_TYPE;

    private static final double[] SECONDS = {
        0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5,
        10, 20, 40, 80, 160, 640
    };

    private final PrometheusRegistry registry = new PrometheusRegistry();
    private final ExpositionFormatWriter writer = PrometheusTextFormatWriter.create();
    private final Histogram firstToken =
            histogram("time_to_first_token", "Time from submission to the first token.");
    private final Histogram betweenTokens =
            histogram("inter_token_latency", "Time between two tokens of an answer.");
    private final Histogram endToEnd =
            histogram("e2e_request_latency", "Time from submission to the last token.");
    private final Histogram queue =
            histogram("request_queue_time", "Time from submission to a worker.");
    private final Histogram prefill =
            histogram("request_prefill_time", "Time from the worker to the end of the prompt.");
    private final Histogram decode =
            histogram("request_decode_time", "Time from the first token to the last.");
    private final Counter finished =
            Counter.builder()
                    .name("stator_request_success_total")
                    .help("Complete answers by the reason of their end.")
                    .labelNames("finished_reason")
                    .register(registry);
    private final Counter reuse =
            Counter.builder()
                    .name("stator_requests_by_reuse_total")
                    .help("Chat requests by the reuse of documents that they were answered with.")
                    .labelNames("mode")
                    .register(registry);
    private final Counter failed = counter("request_failure", "Requests ended by a failure.");
    private final Counter cancelled =
            counter("request_cancelled", "Requests whose client left before the end.");
    private final Counter cutOff =
            counter("slow_clients_cut_off", "Streams ended because the client read too slowly.");
    private final Counter documents =
            Counter.builder()
                    .name("stator_documents_total")
                    .help(
                            "What became of stored documents: stored, prefilled, failed, deleted, erased.")
                    .labelNames("event")
                    .register(registry);
    private final Counter responses =
            Counter.builder()
                    .name("stator_http_responses_total")
                    .help("HTTP answers by status.")
                    .labelNames("status")
                    .register(registry);

    Metrics(Fabric fabric, Optional<AnswerCache> answers) {
        registry.register(new FabricMetrics(fabric));
        answers.map(AnswerMetrics::new).ifPresent(registry::register);
    }

    private Histogram histogram(String name, String help) {
        return Histogram.builder()
                .name("stator_" + name + "_seconds")
                .help(help)
                .classicOnly()
                .classicUpperBounds(SECONDS)
                .withoutExemplars()
                .register(registry);
    }

    private Counter counter(String name, String help) {
        return Counter.builder().name("stator_" + name + "_total").help(help).register(registry);
    }

    void betweenTokens(long nanos) {
        betweenTokens.observe(nanos / 1e9);
    }

    void finished(FinishReason reason, Account account) {
        finished.labelValues(reason.name().toLowerCase(Locale.ROOT)).inc();
        observe(firstToken, account, "first_token");
        observe(endToEnd, account, "total");
        observe(queue, account, "queue");
        observe(prefill, account, "prefill");
        observe(decode, account, "decode");
    }

    /** A complete answer was given that was kept; it took no time of any stage. */
    void answeredAgain() {
        finished.labelValues("stop").inc();
    }

    private static void observe(Histogram histogram, Account account, String stage) {
        Optional.ofNullable(account.stageMillis().get(stage))
                .ifPresent(millis -> histogram.observe(millis / 1e3));
    }

    void asked(ReuseMode mode) {
        reuse.labelValues(mode.label()).inc();
    }

    void failed() {
        failed.inc();
    }

    void cancelled() {
        cancelled.inc();
    }

    void cutOff() {
        cutOff.inc();
    }

    /** Something has become of a stored document. */
    void document(String event) {
        documents.labelValues(event).inc();
    }

    void responded(int status) {
        responses.labelValues(Integer.toString(status)).inc();
    }

    /** Everything in Prometheus' text format. */
    byte[] scrape() {
        var out = new ByteArrayOutputStream();
        try {
            writer.write(out, registry.scrape());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }
}
