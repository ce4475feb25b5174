package dev.stator.sim.time;

/**
 * Requests that are all alike.
 *
 * @param promptTokens length of each prompt, at least 1
 * @param answerTokens length of each answer, at least 1
 * @param prefixHit the part of each prompt whose KV is there already, from 0 up to but not
 *     including 1
 */
public record Workload(int promptTokens, int answerTokens, double prefixHit) {
    public Workload {
        if (promptTokens < 1 || answerTokens < 1) {
            throw new SetupException(
                    "prompts and answers have at least one token, not %d and %d"
                            .formatted(promptTokens, answerTokens));
        }
        if (!(prefixHit >= 0 && prefixHit < 1)) {
            throw new SetupException(
                    "the part of prompts that is there already must be at least 0 and below 1, not "
                            + prefixHit);
        }
    }

    /** Prompt tokens that must be computed, at least one. */
    public int computedTokens() {
        return promptTokens - hitTokens();
    }

    public int hitTokens() {
        return (int) Math.min(promptTokens - 1, Math.floor(promptTokens * prefixHit));
    }

    /** Tokens of KV that a request needs at its end. */
    public int totalTokens() {
        return promptTokens + answerTokens;
    }

    /** Tokens that an answer attends to on average. */
    public double meanContext() {
        return promptTokens + answerTokens / 2.0;
    }

    /** The whole prompt in one step. */
    public StepWork prefill() {
        return StepWork.prefill(hitTokens(), computedTokens());
    }
}
