package dev.stator.api;

import dev.stator.routing.Explained;
import dev.stator.routing.Plan;
import dev.stator.routing.Prediction;
import dev.stator.routing.Supply;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Routing decisions as JSON, for traces and for {@code GET /admin/route}. Milliseconds throughout.
 */
final class RouteView {
    private RouteView() {}

    /** The chosen plan, the cheapest candidates, and what the first token really took. */
    static ObjectNode of(Explained explained) {
        var decision = explained.decision();
        var request = decision.request();
        var result =
                Json.object()
                        .put("request", request.id())
                        .put("prompt_tokens", request.promptTokens());
        result.set("chosen", plan(decision.plan()));
        var candidates = result.putArray("candidates");
        decision.candidates().forEach(candidate -> candidates.add(plan(candidate)));
        explained
                .actual()
                .ifPresent(
                        actual ->
                                result.set(
                                        "actual_ms",
                                        Json.object()
                                                .put("queue", rounded(actual.queueMillis()))
                                                .put("fetch", rounded(actual.fetchMillis()))
                                                .put("prefill", rounded(actual.prefillMillis()))
                                                .put("handoff", rounded(actual.handoffMillis()))
                                                .put(
                                                        "first_token",
                                                        rounded(actual.firstTokenMillis()))));
        return result;
    }

    private static ObjectNode plan(Plan plan) {
        var json =
                Json.object()
                        .put("plan", plan instanceof Plan.Split ? "split" : "aggregated")
                        .put("prefill_worker", plan.prefillWorker())
                        .put("decode_worker", plan.decodeWorker());
        json.set("predicted_ms", predicted(plan.prediction()));
        json.put("held_blocks", plan.supply().heldBlocks());
        json.set("sources", sources(plan.supply()));
        return json;
    }

    private static ObjectNode predicted(Prediction prediction) {
        return Json.object()
                .put("queue", rounded(prediction.queueMillis()))
                .put("fetch", rounded(prediction.fetchMillis()))
                .put("prefill", rounded(prediction.prefillMillis()))
                .put("handoff", rounded(prediction.handoffMillis()))
                .put("harm", rounded(prediction.harmMillis()))
                .put("first_token", rounded(prediction.firstTokenMillis()));
    }

    private static ArrayNode sources(Supply supply) {
        var sources = Json.array();
        supply.sources()
                .forEach(
                        source ->
                                sources.addObject()
                                        .put("from_block", source.fromBlock())
                                        .put("to_block", source.toBlock())
                                        .put(
                                                "tier",
                                                source.place()
                                                        .tier()
                                                        .name()
                                                        .toLowerCase(Locale.ROOT))
                                        .put("owner", source.place().owner()));
        return sources;
    }

    private static double rounded(double millis) {
        return Math.round(millis * 1000) / 1000.0;
    }
}
