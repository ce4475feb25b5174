package dev.stator.routing;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Chooses where a request runs by predicted milliseconds.
 *
 * <p>The cost of a plan is what the request waits for its first token, plus what it costs the
 * answers that run on the same worker: prompt tokens computed in their midst delay each of them, so
 * that delay counts once for every running answer.
 */
public final class Router {
    /**
     * Waking a second worker and the last import after the last block: what a split plan costs
     * beyond its work.
     */
    private static final double HOP_MILLIS = 3;

    private final Mode mode;
    private final Rates rates;

    public Router(Mode mode, Rates rates) {
        this.mode = mode;
        this.rates = rates;
    }

    public Plan plan(PlanRequest request) {
        var plans = new ArrayList<Plan>();
        for (var decode : request.decode()) {
            plans.add(aggregated(request, decode));
            if (mode != Mode.AGGREGATED && computed(request, decode) > 1) {
                request.prefill().forEach(prefill -> plans.add(split(request, prefill, decode)));
            }
        }
        return cheapest(mode == Mode.DISAGGREGATED ? preferSplit(plans) : plans);
    }

    private static List<Plan> preferSplit(List<Plan> plans) {
        var split = plans.stream().filter(Plan.Split.class::isInstance).toList();
        return split.isEmpty() ? plans : split;
    }

    private static Plan cheapest(List<Plan> plans) {
        return plans.stream().min(Comparator.comparingDouble(Plan::predictedMillis)).orElseThrow();
    }

    private Plan aggregated(PlanRequest request, PlanRequest.DecodeView decode) {
        double compute = computed(request, decode) * rates.prefillMillisPerToken();
        double queue = decode.waitingTokens() * rates.prefillMillisPerToken();
        double harm = compute * decode.running();
        return new Plan.Aggregated(decode.id(), queue + onboard(request, decode) + compute + harm);
    }

    private Plan split(
            PlanRequest request, PlanRequest.PrefillView prefill, PlanRequest.DecodeView decode) {
        int computed = computed(request, decode);
        double compute = computed * rates.prefillMillisPerToken();
        double queue = prefill.waitingTokens() * rates.prefillMillisPerToken();
        // The prefill worker onboards the known prefix, the decode worker that and what was
        // computed.
        double onboard = 2 * onboard(request, decode) + computed * rates.importMillisPerToken();
        double balance = decode.running() * rates.decodeStepMillis() / 100;
        return new Plan.Split(
                prefill.id(), decode.id(), queue + onboard + compute + HOP_MILLIS + balance);
    }

    /**
     * Prompt tokens that must be computed: at least the last one, whose logits begin the answer.
     */
    private static int computed(PlanRequest request, PlanRequest.DecodeView decode) {
        return Math.max(
                1, request.promptTokens() - Math.max(request.hostTokens(), decode.deviceTokens()));
    }

    private double onboard(PlanRequest request, PlanRequest.DecodeView decode) {
        return Math.max(0, request.hostTokens() - decode.deviceTokens())
                * rates.importMillisPerToken();
    }
}
