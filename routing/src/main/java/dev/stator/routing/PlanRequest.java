package dev.stator.routing;

import java.util.List;

/**
 * What a router knows of one request and of the workers.
 *
 * @param promptTokens length of the prompt
 * @param hostTokens how many leading tokens the host tier holds, or will hold because somebody
 *     computes them now
 * @param decode workers that can take an answer now, at least one
 * @param prefill workers that can prefill; empty if there are none
 */
public record PlanRequest(
        int promptTokens, int hostTokens, List<DecodeView> decode, List<PrefillView> prefill) {
    public PlanRequest {
        decode = List.copyOf(decode);
        prefill = List.copyOf(prefill);
    }

    /**
     * @param running answers being generated
     * @param deviceTokens how many leading tokens of the prompt its own memory holds
     * @param waitingTokens prompt tokens that it must still compute for others
     */
    public record DecodeView(String id, int running, int deviceTokens, long waitingTokens) {}

    /**
     * @param waitingTokens prompt tokens that it must still compute for others
     */
    public record PrefillView(String id, long waitingTokens) {}
}
