package dev.stator.serving;

import dev.stator.engine.Certainty;
import dev.stator.routing.Explained;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a request cost and where its prompt came from.
 *
 * @param plan {@code aggregated} or {@code split}
 * @param prefillWorker id of the worker that prefilled, equal to {@code decodeWorker} if aggregated
 * @param promptTokensBySource {@code device}, {@code host}, {@code peer}, {@code disk}, {@code
 *     remote}, {@code computed}; they add up to the prompt
 * @param splicedTokens prompt tokens whose KV was computed at another position and placed here: the
 *     answer is an approximation where there are any
 * @param generated all tokens of the answer, the end token among them
 * @param stageMillis stage name to milliseconds: {@code queue}, {@code disk}, {@code onboard},
 *     {@code prefill}, {@code first_token} (from submission), {@code decode}, {@code total}
 * @param routed how the plan was chosen; empty if the request never came to have one
 * @param pinnedTokens prompt tokens that stay in the host tier for as long as was asked; empty if
 *     that was not asked
 * @param guarded what the guard of a spliced request found
 * @param exactBecause why the prompt was computed exactly although it was allowed not to be
 * @param stop the stop string that the answer ended before; empty if it ended otherwise
 */
public record Account(
        String plan,
        String prefillWorker,
        String decodeWorker,
        Map<String, Integer> promptTokensBySource,
        int splicedTokens,
        int[] generated,
        Map<String, Double> stageMillis,
        Optional<Explained> routed,
        OptionalInt pinnedTokens,
        Optional<Guarded> guarded,
        Optional<String> exactBecause,
        Optional<String> stop) {
    /**
     * @param passed whether the answer was generated from the spliced prompt
     * @param certainty of the spliced prompt's first token
     */
    public record Guarded(boolean passed, Certainty certainty) {}

    public Account {
        promptTokensBySource = Map.copyOf(promptTokensBySource);
        stageMillis = Map.copyOf(stageMillis);
    }

    /** Of an exact request that did not ask for anything to stay. */
    public Account(
            String plan,
            String prefillWorker,
            String decodeWorker,
            Map<String, Integer> promptTokensBySource,
            int[] generated,
            Map<String, Double> stageMillis,
            Optional<Explained> routed) {
        this(
                plan,
                prefillWorker,
                decodeWorker,
                promptTokensBySource,
                0,
                generated,
                stageMillis,
                routed,
                OptionalInt.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** Prompt tokens that were not computed for this request. */
    public int cachedTokens() {
        return promptTokensBySource.entrySet().stream()
                .filter(entry -> !entry.getKey().equals("computed"))
                .mapToInt(Map.Entry::getValue)
                .sum();
    }
}
